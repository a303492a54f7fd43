using k8s.Models;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Postgres;
using Xunit;

namespace UrlShortener.Operator.Tests.Postgres;

/// <summary>Members after somebody has deleted their service account, which the operator created again.</summary>
public sealed class TokenRenewalTests
{
    private static readonly DateTimeOffset Now = new(2030, 1, 31, 12, 0, 0, TimeSpan.Zero);

    // The API server refuses their tokens, and the primary has demoted itself.
    [Fact]
    public void Next_NoPrimary_ReplacesOneAtATimeAndTheHolderOfTheLockLast()
    {
        var observed = Observe(primary: null, Pod(0), Pod(1), Pod(2));
        Assert.Equal("eu-postgres-2", Next(observed));

        // Its pod ends, starts, and answers.
        var ending = Pod(2);
        ending.Metadata.DeletionTimestamp = Now.UtcDateTime;
        Assert.Null(Next(observed with { Pods = [Pod(0), Pod(1), ending] }));
        var starting = observed with { Pods = [Pod(0), Pod(1), Pod(2, isNew: true)], Members = Without(observed, "eu-postgres-2") };
        Assert.Null(Next(starting));
        Assert.Equal("eu-postgres-1", Next(starting with { Members = observed.Members }));
        // One that does not start does not hold up the others.
        Assert.Equal("eu-postgres-1", Next(starting, seconds: 200));
        Assert.Equal("eu-postgres-0", Next(observed with { Pods = [Pod(0), Pod(1, isNew: true), Pod(2, isNew: true)] }));
        Assert.Null(Next(observed with { Pods = [Pod(0, isNew: true), Pod(1, isNew: true), Pod(2, isNew: true)] }));
    }

    [Fact]
    public void Next_MembersThatServe_Stay()
    {
        Assert.Null(Next(Observe("eu-postgres-0", Pod(0), Pod(1), Pod(2))));
        // A replica that was replaced is the primary now, and one of the former ones does not follow it.
        var observed = Observe("eu-postgres-2", Pod(0), Pod(1), Pod(2, isNew: true));
        observed = observed with
        {
            Members = new Dictionary<string, PatroniMember>(observed.Members)
            {
                ["eu-postgres-1"] = new() { State = "running", Role = "replica" },
            },
        };
        Assert.Equal("eu-postgres-1", Next(observed));
    }

    // Kubelets have renewed all tokens by then, and before the first seconds nobody has lost anything.
    [Theory]
    [InlineData(19, null)]
    [InlineData(20, "eu-postgres-0")]
    [InlineData(3600, "eu-postgres-0")]
    [InlineData(3601, null)]
    public void Next_AgeOfTheServiceAccount_IsThatOfTokens(int seconds, string? member) => Assert.Equal(member, Next(Observe(primary: null, Pod(0)), seconds));

    [Fact]
    public void Next_ServiceAccountThatIsOlderOrIsNotThere_ReplacesNobody()
    {
        Assert.Null(Next(Observe(primary: null, Pod(0)) with { ServiceAccount = null }));
        Assert.Null(Next(Observe(primary: null, Pod(0, isNew: true))));
    }

    // Nobody can lead without it, and a suspended region must not be without writes for longer either. It takes no other step.
    [Fact]
    public void Plan_SuspendedRegion_ReplacesMembersAndRestoresTheirAccess()
    {
        var region = new V1Alpha1ShortenerRegion
        {
            Metadata = new V1ObjectMeta
            {
                Name = "eu",
                NamespaceProperty = "shop",
                Uid = "u-1",
            },
            Spec = SpecJson.MinimalRegion() with
            {
                Connections = new ConnectionsSpec(),
                Postgres = new PostgresSpec { Image = "registry.example/postgres:17" },
                Suspend = SuspendMode.Changes,
            },
        };
        var observed = Observe(primary: null, Pod(0), Pod(1), Pod(2)) with
        {
            RoleBinding = new V1RoleBinding(),
            StatefulSet = new V1StatefulSet { Spec = new V1StatefulSetSpec { Replicas = 3 } },
        };

        Assert.IsType<RolloutStep.Renew>(Plan(observed).Step);
        Assert.False(Plan(observed).Applies);
        Assert.False(Plan(observed).RestoresAccess);
        Assert.True(Plan(observed with { ServiceAccount = null }).RestoresAccess);
        Assert.True(Plan(observed with { RoleBinding = null }).RestoresAccess);
        // A region that is created suspended has no members.
        Assert.False(Plan(observed with { ServiceAccount = null, StatefulSet = null }).RestoresAccess);
        Assert.Null(Plan(observed with { ServiceAccount = null }).Step);
        region.Spec = region.Spec with { Suspend = SuspendMode.None };
        Assert.False(Plan(observed with { ServiceAccount = null }).RestoresAccess);

        PostgresPlan Plan(ObservedPostgres state) => PostgresPlan.Of(region, state, PostgresMemory.None, Now.AddSeconds(30));
    }

    private static string? Next(ObservedPostgres observed, int seconds = 30) => TokenRenewal.Next(observed, Now.AddSeconds(seconds))?.Member;

    private static Dictionary<string, PatroniMember> Without(ObservedPostgres observed, string member) =>
        observed.Members.Where(one => one.Key != member).ToDictionary(one => one.Key, one => one.Value);

    // The service account is of now.
    private static ObservedPostgres Observe(string? primary, params V1Pod[] pods) =>
        new()
        {
            ServiceAccount = new V1ServiceAccount
            {
                Metadata = new V1ObjectMeta { Name = "eu-postgres", CreationTimestamp = Now.UtcDateTime },
            },
            Lock = new PatroniLock(primary ?? "eu-postgres-0", Now, "1"),
            Pods = pods,
            Members = pods.ToDictionary(
                pod => pod.Metadata.Name,
                pod => new PatroniMember
                {
                    State = "running",
                    Role = pod.Metadata.Name == primary ? "primary" : "replica",
                    ReplicationState = primary is null ? null : "streaming",
                    Position = new PatroniPosition { Written = 7, Received = 7 },
                }
            ),
        };

    private static V1Pod Pod(int ordinal, bool isNew = false) =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = $"eu-postgres-{ordinal}", CreationTimestamp = Now.AddSeconds(isNew ? 25 : -600).UtcDateTime },
        };
}
