using System.Reflection;
using System.Text.Json.Nodes;
using k8s.Models;
using UrlShortener.Operator.Backups;
using UrlShortener.Operator.Configuration;
using UrlShortener.Operator.Failover;
using UrlShortener.Operator.KeyPools;
using UrlShortener.Operator.Postgres;
using UrlShortener.Operator.Redis;
using UrlShortener.Operator.Regions;
using UrlShortener.Operator.Traffic;
using UrlShortener.Operator.Webhooks;
using UrlShortener.TestServers;
using Xunit;

namespace UrlShortener.Operator.Tests.Installation;

/// <summary>What the manifests let the operator do, by reading them.</summary>
public sealed class RightsTests
{
    private const string Everywhere = "config/rbac/clusterrole.yaml";
    private const string Own = "config/rbac/role.yaml";
    private const string Workloads = "config/rbac/workloads.yaml";

    // What the code sends: reads of informers and clients, creates, patches and applies, deletes of single objects.
    private static readonly string[] WorkloadVerbs = ["create", "delete", "get", "list", "patch", "watch"];

    // Kinds that no class of Resources stands for: what Runtime/EventWriter writes.
    private static readonly string[] WrittenOtherwise = ["/events"];

    public static TheoryData<string> Roles => [Everywhere, Own, Workloads];

    [Theory]
    [MemberData(nameof(Roles))]
    public void Role_AnyRule_HasNoWildcardAndNoPowerOverRights(string file)
    {
        foreach (var rule in RulesOf(file))
        {
            Assert.Equal(["apiGroups", "resources", "verbs"], rule.Select(part => part.Key).Where(part => part != "resourceNames"));
            var texts = rule.SelectMany(part => ManifestFile.Texts(part.Value)).ToList();
            Assert.All(texts, text => Assert.DoesNotContain("*", text, StringComparison.Ordinal));
            Assert.All(texts, text => Assert.DoesNotContain(text, (string[])["escalate", "impersonate", "deletecollection", "roles"]));
            // The operator grants these roles and no other. Kubernetes refuses it to grant what it neither has nor may bind.
            if (texts.Contains("bind") || texts.Contains("clusterroles"))
                Assert.Equal([PostgresResources.MemberRole, VoterResources.ReaderRole], ManifestFile.Texts(rule["resourceNames"]));
        }
    }

    [Fact]
    public void MemberRole_OfPostgres_IsWhatTheOperatorGrantsAndAllowsNoMoreThanPatroniNeeds() =>
        Assert.Equal(["/configmaps: create get list patch update watch", "/pods: get list patch watch"], Flatten("config/rbac/postgres.yaml"));

    [Fact]
    public void ReaderRole_OfVotes_IsWhatTheOperatorGrantsAndAllowsToReadAConfigMapWhoseNameIsKnown() =>
        Assert.Equal(["/configmaps: get"], Flatten("config/rbac/votes.yaml"));

    [Theory]
    [MemberData(nameof(Roles))]
    public void Role_AnyRule_IsInOrderAndSaysWhichCodeNeedsIt(string file)
    {
        var rules = RulesOf(file);
        var order = rules.Select(rule => $"{ManifestFile.Texts(rule["apiGroups"])[0]} {ManifestFile.Texts(rule["resources"])[0]}").ToList();
        Assert.Equal(order.Order(StringComparer.Ordinal), order);
        foreach (var list in rules.SelectMany(rule => rule.Select(part => ManifestFile.Texts(part.Value))))
            Assert.Equal(list.Order(StringComparer.Ordinal), list);
        var lines = File.ReadAllLines(Checkout.PathOf(file));
        foreach (var (number, _) in lines.Index().Where(line => line.Item.StartsWith("- apiGroups:", StringComparison.Ordinal)))
            Assert.StartsWith("# ", lines[number - 1], StringComparison.Ordinal);
    }

    [Fact]
    public void ClusterRole_BoundEverywhere_IsAboutTheOperatorsKindsAndItsWebhookAlone()
    {
        Assert.Equal(
            [
                "admissionregistration.k8s.io/validatingwebhookconfigurations[shortener-operator]: create get patch",
                "urlshortener.dev/keypools: get list patch watch",
                "urlshortener.dev/shortenerregions: get list patch watch",
                "urlshortener.dev/keypools/finalizers: update",
                "urlshortener.dev/shortenerregions/finalizers: update",
                "urlshortener.dev/keypools/status: patch",
                "urlshortener.dev/shortenerregions/status: patch",
            ],
            Flatten(Everywhere)
        );
        var bindings = ManifestFile.ReadInstalled().Where(item => (string)item["kind"]! == "ClusterRoleBinding");
        Assert.Equal("shortener-operator", (string?)Assert.Single(bindings)["roleRef"]!["name"]);
    }

    [Fact]
    public void Role_InTheOperatorsNamespace_IsAboutItsLeaseItsSecretAndItsEventsAlone() =>
        Assert.Equal(
            [
                "/events: create patch",
                "/secrets: create",
                $"/secrets[{new WebhookOptions().SecretName}]: get update",
                "coordination.k8s.io/leases: create",
                $"coordination.k8s.io/leases[{new LeaderElectionOptions().LeaseName}]: get update",
            ],
            Flatten(Own)
        );

    [Fact]
    public void Workloads_EveryKindThatIsBuilt_CanBeAppliedAndNoOtherWritten()
    {
        var rules = RulesOf(Workloads)
            .Where(rule => !rule.ContainsKey("resourceNames"))
            .SelectMany(rule =>
                ManifestFile
                    .Texts(rule["resources"])
                    .Select(resource => (Name: $"{ManifestFile.Texts(rule["apiGroups"])[0]}/{resource}", Verbs: ManifestFile.Texts(rule["verbs"])))
            )
            .ToDictionary(rule => rule.Name, rule => rule.Verbs, StringComparer.Ordinal);
        string?[] subjects =
        [
            typeof(AppResources).Namespace,
            typeof(KgsResources).Namespace,
            typeof(RedisResources).Namespace,
            typeof(PostgresResources).Namespace,
            typeof(BackupResources).Namespace,
            typeof(TrafficResources).Namespace,
            typeof(VoterResources).Namespace,
        ];
        var built = typeof(AppResources)
            .Assembly.GetTypes()
            .Where(type => subjects.Contains(type.Namespace))
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Static))
            .Where(method => method.Name.StartsWith("Build", StringComparison.Ordinal))
            .Select(method => method.ReturnType.GetCustomAttribute<KubernetesEntityAttribute>())
            .OfType<KubernetesEntityAttribute>()
            .Select(kind => $"{kind.Group}/{kind.PluralName}")
            .Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)
            .ToList();
        Assert.Contains("apps/deployments", built);
        Assert.Equal(
            built.Concat(WrittenOtherwise).Order(StringComparer.Ordinal),
            rules.Where(rule => rule.Value.Contains("create")).Select(rule => rule.Key).Order(StringComparer.Ordinal)
        );
        // Pods and claims are patched only where others have made them.
        foreach (var verbs in rules.Where(rule => rule.Key is not ("/pods" or "/persistentvolumeclaims")).Select(rule => rule.Value))
        {
            Assert.All(verbs, verb => Assert.Contains(verb, WorkloadVerbs));
            // Server-side apply of an object that is not there yet needs both.
            Assert.True(verbs.Contains("create") || !verbs.Contains("patch"));
        }
    }

    [Fact]
    public void Workloads_AreBoundByNamespaceAlone()
    {
        // Users bind them, in their namespaces.
        Assert.DoesNotContain(ManifestFile.ReadInstalled(), item => (string?)item["roleRef"]?["name"] == "shortener-operator-workloads");
        foreach (var file in (string[])["config/namespace/rolebinding.yaml", "config/components/namespaces/rolebindings.yaml"])
        {
            var binding = ManifestFile.ReadOne(file);
            Assert.Equal("RoleBinding", (string?)binding["kind"]);
            Assert.Equal("shortener-operator-workloads", (string?)binding["roleRef"]!["name"]);
        }
    }

    private static IReadOnlyList<JsonObject> RulesOf(string file) => [.. ManifestFile.ReadOne(file)["rules"]!.AsArray().Select(rule => rule!.AsObject())];

    private static IEnumerable<string> Flatten(string file) =>
        RulesOf(file)
            .SelectMany(rule =>
                ManifestFile
                    .Texts(rule["resources"])
                    .Select(resource =>
                        $"{ManifestFile.Texts(rule["apiGroups"]).Single()}/{resource}"
                        + (rule.ContainsKey("resourceNames") ? $"[{string.Join(' ', ManifestFile.Texts(rule["resourceNames"]))}]" : "")
                        + $": {string.Join(' ', ManifestFile.Texts(rule["verbs"]))}"
                    )
            );
}
