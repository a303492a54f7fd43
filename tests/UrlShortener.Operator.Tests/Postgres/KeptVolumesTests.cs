using k8s.Models;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Postgres;
using Xunit;

namespace UrlShortener.Operator.Tests.Postgres;

/// <summary>A new region over the volumes of a former one.</summary>
public sealed class KeptVolumesTests
{
    private static readonly DateTimeOffset Now = new(2030, 1, 31, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(OnDeletion.Retain, true, true)]
    [InlineData(OnDeletion.Retain, false, false)]
    [InlineData(OnDeletion.Delete, true, false)]
    [InlineData(OnDeletion.Delete, false, true)]
    public void Plan_PatroniMaps_StayWithTheVolumesOrGoWithThem(string policy, bool isOwned, bool isMisowned)
    {
        var map = Map("config", []);
        map.Metadata.OwnerReferences = isOwned ? [new V1OwnerReference { Controller = true }] : null;
        var plan = PostgresPlan.Of(Region(policy), new ObservedPostgres { PatroniMaps = [map] }, PostgresMemory.None, Now);

        Assert.Equal(isMisowned, plan.Misowned.Contains(map));
    }

    // Fewer instances than before: without the members that have every acknowledged write, none could become the primary.
    [Fact]
    public void Scale_OfANewRegion_BeginsWithAllMembersThatMayHaveEveryWrite()
    {
        Assert.Equal(3, Scale(new ObservedPostgres()));
        Assert.Equal(
            5,
            Scale(new ObservedPostgres { Synchrony = Map("sync", [("leader", "eu-postgres-0"), ("sync_standby", "eu-postgres-1,eu-postgres-4")]) })
        );
        Assert.Equal(4, Scale(new ObservedPostgres { Synchrony = Map("sync", [("leader", "eu-postgres-3")]) }));
        Assert.Equal(3, Scale(new ObservedPostgres { Synchrony = Map("sync", [("leader", "eu-postgres-99"), ("sync_standby", "other-0")]) }));
    }

    // The Job of the restore refuses volumes that have a database, and says so. Members over them would hide that.
    [Fact]
    public void Scale_OfARestoreOverVolumesThatWereKept_BeginsWithNone()
    {
        var observed = new ObservedPostgres { Configuration = Map("config", [("initialize", "7713")]) };
        var region = Region();
        region.Spec = region.Spec with { Postgres = region.Spec.Postgres! with { Restore = new RestoreSpec() } };

        Assert.Equal(0, PostgresScale.Of(region, observed, PostgresMemory.None, Now).Replicas);
        // A database that runs stays, also if the region has lost its status.
        var running = observed with
        {
            StatefulSet = new V1StatefulSet { Spec = new V1StatefulSetSpec { Replicas = 3 } },
        };
        Assert.Equal(3, PostgresScale.Of(region, running, PostgresMemory.None, Now).Replicas);
    }

    [Fact]
    public void MayBeGone_OnlyInANewRegionWithoutMembers()
    {
        var kept = new ObservedPostgres { PatroniMaps = [Map("config", [])] };

        Assert.True(KeptVolumes.MayBeGone(Region(), kept));
        Assert.False(KeptVolumes.MayBeGone(Region(), new ObservedPostgres()));
        Assert.False(KeptVolumes.MayBeGone(Region(), kept with { StatefulSet = new V1StatefulSet() }));
        Assert.False(KeptVolumes.MayBeGone(Region(), kept with { Pods = [new V1Pod()] }));
        var known = Region();
        known.Status = new RegionStatus { Postgres = new PostgresStatus { SystemIdentifier = "7713" } };
        Assert.False(KeptVolumes.MayBeGone(known, kept));
    }

    [Fact]
    public void AreOfAnother_OnceARestoreHasFilledTheVolume()
    {
        var kept = new ObservedPostgres
        {
            PatroniMaps = [Map("config", [])],
            StatefulSet = new V1StatefulSet { Spec = new V1StatefulSetSpec { Replicas = 0 } },
        };
        var region = Region();

        Assert.False(KeptVolumes.AreOfAnother(region, kept));
        region.Status = new RegionStatus
        {
            Postgres = new PostgresStatus(),
            Backup = new BackupStatus { Restore = new RestoreStatus { Succeeded = true } },
        };
        Assert.True(KeptVolumes.AreOfAnother(region, kept));
        kept.StatefulSet.Spec.Replicas = 1;
        Assert.False(KeptVolumes.AreOfAnother(region, kept));
    }

    [Theory]
    [InlineData("data-eu-postgres-0", true)]
    [InlineData("data-eu-postgres-6", true)]
    [InlineData("data-eu-postgres-x", false)]
    [InlineData("data-us-postgres-0", false)]
    public void Exist_ClaimOfAnyMember(string name, bool exists)
    {
        var claim = new V1PersistentVolumeClaim { Metadata = new V1ObjectMeta { Name = name } };

        Assert.Equal(exists, KeptVolumes.Exist(Region(), [claim]));
        claim.Metadata.DeletionTimestamp = Now.UtcDateTime;
        Assert.False(KeptVolumes.Exist(Region(), [claim]));
    }

    // The Job of a restore refuses the first volume if it has a database, and sees no other.
    [Fact]
    public void FindOthers_ClaimsOfAllMembersButTheFirst()
    {
        string[] names = ["data-eu-postgres-2", "data-eu-postgres-0", "data-eu-postgres-1", "data-us-postgres-1"];

        Assert.Equal(
            ["data-eu-postgres-1", "data-eu-postgres-2"],
            KeptVolumes.FindOthers(Region(), names.Select(name => new V1PersistentVolumeClaim { Metadata = new V1ObjectMeta { Name = name } }))
        );
    }

    private static int Scale(ObservedPostgres observed) => PostgresScale.Of(Region(), observed, PostgresMemory.None, Now).Replicas;

    private static V1ConfigMap Map(string suffix, IEnumerable<(string Name, string Value)> annotations) =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Name = $"eu-postgres-{suffix}",
                Annotations = annotations.ToDictionary(annotation => annotation.Name, annotation => annotation.Value),
            },
        };

    private static V1Alpha1ShortenerRegion Region(string policy = OnDeletion.Retain) =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = "eu", NamespaceProperty = "shop" },
            Spec = SpecJson.MinimalRegion() with
            {
                Connections = new ConnectionsSpec(),
                Postgres = new PostgresSpec
                {
                    Image = "postgres:17",
                    Storage = new StorageSpec { OnDelete = policy },
                },
            },
        };
}
