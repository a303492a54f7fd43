using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

/// <summary>Groups as they change; the status of each region is what the last step computed.</summary>
public sealed class PrimaryRoleTests
{
    private static readonly DateTime Noon = new(2030, 1, 31, 12, 0, 0, DateTimeKind.Utc);

    private readonly List<V1Alpha1ShortenerRegion> _group = [];
    private DateTime _now = Noon;

    [Fact]
    public void Of_Alone_IsPrimaryWithoutARecord()
    {
        Add("eu");

        Settle();

        Assert.Equal(("Primary", null), (RoleOf("eu"), _group[0].Status!.Topology));
    }

    [Fact]
    public void Of_NewGroup_WaitsForThePreferredRegionThatStarts()
    {
        Add("eu", priority: 90);
        Add("us");
        Settle();
        Assert.Equal(["eu Standby -", "us Standby -"], Roles());
        Assert.True(Role("eu").IsNext);
        Assert.False(Role("us").IsNext);

        Ready("us");
        Settle();
        Assert.Equal(["eu Standby -", "us Standby -"], Roles());

        Ready("eu");
        Settle();
        Assert.Equal(["eu Primary eu@1 FirstReady", "us Standby eu@1 FirstReady"], Roles());
    }

    // Its PostgreSQL copies that of the primary region, so that it cannot be the first.
    [Fact]
    public void Of_PreferredRegionThatWaitsForAPrimary_TheReadyOneIsPrimary()
    {
        Add("eu", priority: 90);
        Add("us");
        Ready("us");
        Set("eu", ConditionTypes.PostgresReady, false, Reasons.AwaitsPrimaryRegion);
        Settle();

        Assert.Equal(["eu Standby us@1 FirstReady", "us Primary us@1 FirstReady"], Roles());
    }

    [Theory]
    [InlineData(true, 1)]
    [InlineData(false, 300)]
    public void Of_PreferredRegionStalledOrLate_TheReadyOneIsPrimary(bool isStalled, int seconds)
    {
        Add("eu", priority: 90);
        Add("us");
        Ready("us");
        Settle();
        Assert.Equal("Standby", RoleOf("us"));

        if (isStalled)
            Set("eu", ConditionTypes.Stalled, true);
        _now = _now.AddSeconds(seconds);
        Settle();

        Assert.Equal(["eu Standby us@1 FirstReady", "us Primary us@1 FirstReady"], Roles());
    }

    [Fact]
    public void Of_RegionThatNeverRan_TakesNoRoleWhateverItsPriority()
    {
        Add("local");
        Ready("local");
        Settle();
        Add("thief", priority: 90);

        Settle();
        _now = _now.AddHours(1);
        Settle();

        Assert.Equal(["thief Standby local@1 KeptPrimary", "local Primary local@1 KeptPrimary"], Roles());
    }

    [Fact]
    public void Of_PriorityEditedOrNewRegionReady_TheHolderStays()
    {
        Add("eu");
        Add("us");
        Ready("eu");
        Ready("us");
        Settle();
        Assert.Equal("Primary", RoleOf("eu"));

        Find("us").Spec = Find("us").Spec with { Failover = new FailoverSpec { Priority = 100 } };
        Add("ap", priority: 99);
        Ready("ap");
        Settle();
        Assert.Equal("Primary", RoleOf("eu"));

        // Not even while it is not ready: that is no proof that it takes no writes.
        Set("eu", ConditionTypes.Ready, false);
        Settle();
        Assert.Equal("Primary", RoleOf("eu"));
    }

    [Fact]
    public void Of_PromotionAskedFor_MovesOnceAndNotByAnOldRequest()
    {
        Add("eu");
        Add("us");
        Ready("eu");
        Ready("us");
        Settle();

        Annotate("us", "us@1");
        Settle();
        Assert.Equal(["eu Standby us@2 PromotionRequested", "us Primary us@2 PromotionRequested"], Roles());
        Assert.Null(Role("us").Refusal);

        // The annotation stays, and the role moves back: it is not followed again.
        Annotate("eu", "eu@2");
        Settle();
        Settle();
        Assert.Equal(["eu Primary eu@3 PromotionRequested", "us Standby eu@3 PromotionRequested"], Roles());
        Assert.Null(Role("us").Refusal);
    }

    [Theory]
    [InlineData("us", "does not name this region and the current epoch")]
    [InlineData("true", "set it to \"us@1\"")]
    [InlineData("eu@1", "set it to \"us@1\"")]
    [InlineData("us@2", "set it to \"us@1\"")]
    [InlineData("us@1", "it was never Ready")]
    public void Of_PromotionThatIsNotMeantOrCannotBe_IsRefused(string value, string refusal)
    {
        Add("eu");
        Ready("eu");
        Settle();
        Add("us");
        Settle();

        Annotate("us", value);
        Settle();

        Assert.Equal("Primary", RoleOf("eu"));
        Assert.Contains(refusal, Role("us").Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_HolderDeleted_TheNextIsTheFirstByPriorityThatIsOrWasReady()
    {
        Add("eu", priority: 90);
        Add("us", priority: 80);
        Add("ap", priority: 70);
        foreach (var region in new[] { "eu", "ap" })
            Ready(region);
        Settle();
        _now = _now.AddHours(1);
        Find("eu").Metadata.DeletionTimestamp = _now;

        Settle();

        Assert.Equal(["us Standby ap@2 PrimaryGone", "ap Primary ap@2 PrimaryGone"], Roles());

        // Alone again, and not alone again: an old request stays void.
        Find("us").Metadata.DeletionTimestamp = _now;
        Settle();
        Assert.Equal(("Primary", null, 2), (RoleOf("ap"), Find("ap").Status!.Topology!.PrimaryRegion, Find("ap").Status!.Topology!.Epoch));
        Add("sa");
        Settle();
        Assert.Equal("ap@3", Record("ap"));
    }

    [Fact]
    public void Of_RecordsOfAnEarlierVersion_TheHolderKeepsTheRole()
    {
        Add("eu");
        Add("us", priority: 90);
        foreach (var region in _group)
            region.Status = new RegionStatus { Topology = new TopologyStatus { PrimaryRegion = "eu" } };
        Find("eu").Status = Find("eu").Status! with { Role = RegionRole.Primary };
        // In an outage of its database, during the upgrade.
        Set("eu", ConditionTypes.AppAvailable, true);
        Set("eu", ConditionTypes.Ready, false);
        Ready("us");

        Settle();

        Assert.Equal(["us Standby eu@1 KeptPrimary", "eu Primary eu@1 KeptPrimary"], Roles());
    }

    [Fact]
    public void Of_TwoRecordsOfOneEpoch_AllFollowThePreferredOne()
    {
        Add("eu", priority: 90);
        Add("us");
        Add("ap");
        foreach (var region in _group)
        {
            Ready(region.Metadata.Name);
            var primary = region.Metadata.Name == "ap" ? "us" : region.Metadata.Name;
            region.Status = region.Status! with
            {
                Topology = new TopologyStatus
                {
                    PrimaryRegion = primary,
                    Epoch = 4,
                    Reason = "PrimaryGone",
                },
            };
        }

        Settle();

        Assert.Equal(["eu Primary eu@4 PrimaryGone", "us Standby eu@4 PrimaryGone", "ap Standby eu@4 PrimaryGone"], Roles());
    }

    [Fact]
    public void Of_YoungerTwin_TakesNoRole()
    {
        Add("eu");
        Ready("eu");
        Settle();
        _now = _now.AddSeconds(1);
        Add("eu", priority: 100, name: "twin");

        Settle();

        Assert.Equal(("Primary", "Standby"), (RoleOf("eu"), RoleOf("twin")));
    }

    // Each region reconciles twice, in turn.
    private void Settle()
    {
        foreach (var region in _group.Concat(_group).Where(region => region.Metadata.DeletionTimestamp is null).ToList())
        {
            var role = PrimaryRole.Of(region, _group, _now);
            region.Status = (region.Status ?? new RegionStatus()) with
            {
                Role = role.Role,
                Topology = role.Topology,
                FirstReadyTime = region.Status?.FirstReadyTime ?? (PrimaryRole.WasReady(region) ? _now : null),
            };
        }
    }

    private IEnumerable<string> Roles() =>
        _group
            .Where(region => region.Metadata.DeletionTimestamp is null)
            .OrderByDescending(region => region.Spec.Failover.Priority)
            .Select(region => $"{region.Metadata.Name} {region.Status!.Role} {Record(region.Metadata.Name)} {region.Status.Topology?.Reason}".TrimEnd());

    private string Record(string name) => Find(name).Status?.Topology is { PrimaryRegion: { } primary } topology ? $"{primary}@{topology.Epoch}" : "-";

    private PrimaryRole Role(string name) => PrimaryRole.Of(Find(name), _group, _now);

    private string? RoleOf(string name) => Find(name).Status?.Role;

    private V1Alpha1ShortenerRegion Find(string name) => _group.Single(region => region.Metadata.Name == name);

    private void Annotate(string name, string value) => Find(name).Metadata.Annotations = new Dictionary<string, string> { [Labels.Promote] = value };

    private void Ready(string name) => Set(name, ConditionTypes.Ready, true);

    private void Set(string name, string type, bool status, string? reason = null)
    {
        var region = Find(name);
        var conditions = (region.Status?.Conditions ?? []).Where(condition => condition.Type != type);
        region.Status = (region.Status ?? new RegionStatus()) with
        {
            Conditions =
            [
                .. conditions,
                new V1Condition
                {
                    Type = type,
                    Status = status ? "True" : "False",
                    Reason = reason,
                },
            ],
        };
    }

    private void Add(string region, int priority = 50, string? name = null) =>
        _group.Add(
            new V1Alpha1ShortenerRegion
            {
                Metadata = new V1ObjectMeta
                {
                    Name = name ?? region,
                    NamespaceProperty = "links",
                    Uid = $"{_group.Count}",
                    CreationTimestamp = _now,
                },
                Spec = SpecJson.MinimalRegion() with
                {
                    Region = region,
                    Failover = new FailoverSpec { Priority = priority },
                },
            }
        );
}
