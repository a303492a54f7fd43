using k8s.Models;
using UrlShortener.Contracts;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

public sealed class SchemaRepairTests
{
    private static readonly DateTimeOffset Noon = new(2030, 1, 31, 12, 0, 0, TimeSpan.Zero);
    private static readonly Migration Done = new("0123456789abcdef", MigrationState.Done);

    [Theory]
    [InlineData(SchemaState.Current, false)]
    [InlineData(SchemaState.Behind, true)]
    [InlineData(SchemaState.Ahead, false)]
    [InlineData("a state of a later version of the product", false)]
    public void Of_TablesAsTheAppFindsThem_AreMigratedWhereTheyAreBehind(string state, bool isDue)
    {
        var repair = SchemaRepair.Of(new V1Alpha1ShortenerRegion(), Observed(state), Done, Noon);

        Assert.Equal((state.Contains(' ', StringComparison.Ordinal) ? null : state, isDue), (repair.Status.State, repair.IsDue));
        Assert.False(SchemaRepair.Of(new V1Alpha1ShortenerRegion(), Observed(state), Done with { State = MigrationState.Running }, Noon).IsDue);
    }

    [Fact]
    public void Of_DatabaseThatStaysBehind_IsMigratedLessAndLessOften()
    {
        var region = new V1Alpha1ShortenerRegion();
        var starts = new List<double>();
        for (var now = Noon; now < Noon.AddHours(2); now = now.AddSeconds(10))
        {
            var repair = SchemaRepair.Of(region, Observed(SchemaState.Behind), Done, now);
            if (repair.IsDue)
                starts.Add((now - Noon).TotalMinutes);
            region.Status = new RegionStatus
            {
                Schema = repair.IsDue ? repair.Status with { Repairs = repair.Next, LastRepairTime = now.UtcDateTime } : repair.Status,
            };
        }

        Assert.Equal([0, 1, 6, 36, 66, 96], starts);
    }

    [Fact]
    public void Of_StartThatTheStatusDoesNotKnow_IsCountedByTheJob()
    {
        var region = new V1Alpha1ShortenerRegion
        {
            Metadata = new V1ObjectMeta { Name = "eu" },
            Spec = SpecJson.MinimalRegion(),
        };
        var job = MigrationJob.Build(region, Done.Digest, repairs: 2);
        job.Metadata.CreationTimestamp = Noon.UtcDateTime;

        var repair = SchemaRepair.Of(region, Observed(SchemaState.Behind) with { Jobs = [job] }, Done, Noon.AddMinutes(4));

        Assert.Equal((2, Noon.UtcDateTime, false), (repair.Status.Repairs, repair.Status.LastRepairTime, repair.IsDue));
    }

    [Fact]
    public void Of_CurrentForAWhile_BeginsAnew()
    {
        var region = new V1Alpha1ShortenerRegion
        {
            Status = new RegionStatus
            {
                Schema = new SchemaStatus { Repairs = 2, LastRepairTime = Noon.UtcDateTime },
            },
        };

        Assert.Equal(2, SchemaRepair.Of(region, Observed(SchemaState.Current), Done, Noon.AddMinutes(9)).Status.Repairs);
        Assert.Null(SchemaRepair.Of(region, Observed(SchemaState.Current), Done, Noon.AddMinutes(10)).Status.Repairs);
    }

    /// <summary>As <c>kubectl edit --subresource=status</c> may leave it.</summary>
    [Theory]
    [InlineData(-1, null, true)]
    [InlineData(int.MinValue, null, true)]
    [InlineData(int.MaxValue, null, true)]
    [InlineData(0, 10_000, true)]
    [InlineData(0, 1, false)]
    public void Of_StatusEditedByHand_DecidesAllTheSame(int repairs, int? afterMinutes, bool isDue)
    {
        var region = new V1Alpha1ShortenerRegion
        {
            Status = new RegionStatus
            {
                Schema = new SchemaStatus { Repairs = repairs, LastRepairTime = afterMinutes is { } minutes ? Noon.UtcDateTime.AddMinutes(minutes) : null },
            },
        };

        var repair = SchemaRepair.Of(region, Observed(SchemaState.Behind), Done, Noon);

        Assert.Equal(isDue, repair.IsDue);
        Assert.InRange(repair.Next, isDue ? 1 : 0, 1_000_000);
        Assert.InRange(repair.Status.Repairs ?? 0, 0, 1_000_000);
    }

    [Theory]
    [InlineData(false, -1, true)]
    [InlineData(true, -1, false)]
    // It ended before the last migration did.
    [InlineData(false, 1, false)]
    public void Of_PodThatEndsBecauseOfOldTables_SaysSo(bool isReady, int migratedAfterSeconds, bool isBehind)
    {
        var region = new V1Alpha1ShortenerRegion { Metadata = new V1ObjectMeta { Name = "eu" } };
        var ended = new V1ContainerStateTerminated
        {
            ExitCode = 78,
            FinishedAt = Noon.UtcDateTime,
            Message = $"info: started\n{SchemaState.BehindAtStart}, by 3 migrations. Run `migrate` first.\n",
        };
        var observed = new ObservedRegion
        {
            Group = [],
            Secrets = new Dictionary<string, V1Secret>(),
            Pods =
            [
                new V1Pod
                {
                    Metadata = new V1ObjectMeta { Labels = Labels.SelectorOf("eu", Names.App) },
                    Status = new V1PodStatus
                    {
                        ContainerStatuses =
                        [
                            new V1ContainerStatus
                            {
                                Ready = isReady,
                                LastState = new V1ContainerState { Terminated = ended },
                            },
                        ],
                    },
                },
            ],
            Jobs =
            [
                new V1Job
                {
                    Metadata = new V1ObjectMeta { Name = MigrationJob.NameOf(region, Done.Digest) },
                    Status = new V1JobStatus { CompletionTime = Noon.UtcDateTime.AddSeconds(migratedAfterSeconds) },
                },
            ],
        };

        Assert.Equal(isBehind, SchemaRepair.Of(region, observed, Done, Noon).IsBehind);
    }

    private static ObservedRegion Observed(string state) =>
        new()
        {
            Group = [],
            Secrets = new Dictionary<string, V1Secret>(),
            Health = new HealthResponse("healthy", new ComponentsResponse("healthy", "healthy", "healthy"), "1.0") { Schema = new SchemaResponse(state, 3, 4) },
        };
}
