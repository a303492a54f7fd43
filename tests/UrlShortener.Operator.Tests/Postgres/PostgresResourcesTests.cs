using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Postgres;
using Xunit;

namespace UrlShortener.Operator.Tests.Postgres;

/// <summary>The objects of a region's PostgreSQL, without a server.</summary>
public sealed class PostgresResourcesTests
{
    private static readonly V1Alpha1ShortenerRegion Region = Build(new PostgresSpec { Image = "registry.example/postgres:17" });

    /// <summary>
    /// Another digest marks every member of every region as outdated when the operator is upgraded. Change it only for a release that needs that, and say so in
    /// the notes on upgrading.
    /// </summary>
    [Fact]
    public void PodTemplate_SameSpecification_IsPinned() =>
        Assert.Equal("765fe1318c20f798", Digest.OfObject(PostgresResources.BuildStatefulSet(Region, 3).Spec.Template));

    [Fact]
    public void Settings_ThatMembersFollowWhileTheyRun_DoNotChangeThePods()
    {
        var changed = Build(
            Region.Spec.Postgres! with
            {
                Durability = Durability.Strict,
                FailsafeMode = false,
                AssistedFailover = false,
                Patroni = new PatroniSpec { Ttl = 22 },
            }
        );

        Assert.Equal(
            KubernetesJson.Serialize(PostgresResources.BuildStatefulSet(Region, 3).Spec.Template),
            KubernetesJson.Serialize(PostgresResources.BuildStatefulSet(changed, 3).Spec.Template)
        );
        Assert.Equal(22, (int?)PatroniConfiguration.BuildDynamic(changed, GroupPlace.Alone)["ttl"]);
        Assert.Equal(true, (bool?)PatroniConfiguration.BuildDynamic(changed, GroupPlace.Alone)["synchronous_mode_strict"]);
    }

    [Fact]
    public void Members_RunWhereTheSpecificationSays()
    {
        var pods = PostgresResources
            .BuildStatefulSet(
                Build(
                    Region.Spec.Postgres! with
                    {
                        NodeSelector = new Dictionary<string, string> { ["pool"] = "data" },
                        Tolerations = [new Toleration { Key = "data", Operator = "Exists" }],
                        PriorityClassName = "stores",
                    }
                ),
                3
            )
            .Spec.Template.Spec;

        Assert.Equal("data", pods.NodeSelector["pool"]);
        Assert.Equal(("data", "Exists"), (Assert.Single(pods.Tolerations).Key, pods.Tolerations[0].OperatorProperty));
        Assert.Equal("stores", pods.PriorityClassName);
    }

    // A replica that is away must not fill the volume of the primary, however small that is.
    [Theory]
    [InlineData("1Gi", "256MB", "64MB", "102MB")]
    [InlineData("20Gi", "5120MB", "512MB", "1024MB")]
    [InlineData("1Ti", "8192MB", "512MB", "1024MB")]
    public void Configuration_OfTheLog_LeavesRoomForTheData(string size, string away, string kept, string most)
    {
        var region = Build(Region.Spec.Postgres! with { Storage = new StorageSpec { Size = new ResourceQuantity(size) } });
        var parameters = PatroniConfiguration.BuildDynamic(region, GroupPlace.Alone)["postgresql"]!["parameters"]!;

        Assert.Equal(
            (away, kept, most),
            ((string?)parameters["max_slot_wal_keep_size"], (string?)parameters["wal_keep_size"], (string?)parameters["max_wal_size"])
        );
    }

    [Fact]
    public void Pods_AreNotPrivilegedAndMountNoKeyOfAnAuthority()
    {
        var pod = PostgresResources.BuildStatefulSet(Region, 3).Spec.Template.Spec;

        Assert.True(pod.SecurityContext is { RunAsNonRoot: true, FsGroupChangePolicy: "OnRootMismatch" });
        Assert.True(pod.Containers[0].SecurityContext is { ReadOnlyRootFilesystem: true, AllowPrivilegeEscalation: false });
        var tls = pod.Volumes.Single(volume => volume.Name == "tls").Secret;
        Assert.Equal(["ca-bundle.crt", "tls.crt", "tls.key"], tls.Items.Select(item => item.Key).Order(StringComparer.Ordinal));
        // PostgreSQL refuses a key that others can read.
        Assert.Equal(288, tls.DefaultMode);
    }

    // A member that lost its volume must not begin another database, also if somebody deletes Patroni's ConfigMaps. Nothing of that replaces pods.
    [Fact]
    public void LocalConfiguration_OfADatabaseThatExists_BeginsNoOther()
    {
        var known = Build(Region.Spec.Postgres!);
        known.Status = new RegionStatus { Postgres = new PostgresStatus { SystemIdentifier = "7713" } };

        Assert.NotNull(JsonNode.Parse(PatroniConfiguration.BuildLocal(Region, GroupPlace.Alone))!["bootstrap"]);
        Assert.Null(JsonNode.Parse(PatroniConfiguration.BuildLocal(known, GroupPlace.Alone))!["bootstrap"]);
        Assert.Equal(Digest.OfObject(PostgresResources.BuildStatefulSet(Region, 3)), Digest.OfObject(PostgresResources.BuildStatefulSet(known, 3)));
    }

    [Fact]
    public void LocalConfiguration_OfAMember_HasNoPassword()
    {
        var file = PatroniConfiguration.BuildLocal(Region, GroupPlace.Alone);

        Assert.DoesNotContain("password\"", file, StringComparison.Ordinal);
        var access = JsonNode.Parse(file)!["bootstrap"]!["dcs"]!["postgresql"]!["pg_hba"]!.AsArray().Select(line => (string)line!).ToList();
        Assert.DoesNotContain(access, line => line.Contains("trust", StringComparison.Ordinal) || line.StartsWith("host ", StringComparison.Ordinal));
        Assert.All(
            access.Where(line => line.Contains("postgres", StringComparison.Ordinal)),
            line => Assert.DoesNotContain("scram", line, StringComparison.Ordinal)
        );
        // The first line that fits counts.
        Assert.Equal(
            ["local all postgres peer", "local shortener shortener,shortener_2 peer map=app", "local all all scram-sha-256"],
            access.Where(line => line.StartsWith("local", StringComparison.Ordinal))
        );
    }

    private static V1Alpha1ShortenerRegion Build(PostgresSpec postgres) =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Name = "eu",
                NamespaceProperty = "shop",
                Uid = "u-1",
            },
            Spec = SpecJson.MinimalRegion() with { Connections = new ConnectionsSpec(), Postgres = postgres },
        };
}
