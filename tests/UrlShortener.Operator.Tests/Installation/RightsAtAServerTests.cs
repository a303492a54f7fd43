using k8s;
using k8s.Models;
using UrlShortener.TestServers.Kubernetes;
using Xunit;

namespace UrlShortener.Operator.Tests.Installation;

/// <summary>What an API server lets the operator do, once everything is installed.</summary>
public sealed class RightsAtAServerTests(InstalledCluster installed)
{
    private const string System = InstalledCluster.SystemNamespace;
    private const string Regions = InstalledCluster.RegionNamespace;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    // Verb, group, resource, subresource, namespace (empty: all), name (empty: any).
    [InlineData("list", "urlshortener.dev", "shortenerregions", "", "", "")]
    [InlineData("watch", "urlshortener.dev", "keypools", "", "", "")]
    [InlineData("patch", "urlshortener.dev", "shortenerregions", "status", Regions, "eu")]
    [InlineData("update", "urlshortener.dev", "keypools", "finalizers", Regions, "eu")]
    [InlineData("patch", "admissionregistration.k8s.io", "validatingwebhookconfigurations", "", "", "shortener-operator")]
    [InlineData("create", "coordination.k8s.io", "leases", "", System, "")]
    [InlineData("update", "coordination.k8s.io", "leases", "", System, "urlshortener-operator")]
    [InlineData("update", "", "secrets", "", System, "shortener-operator-webhook")]
    [InlineData("watch", "", "secrets", "", Regions, "")]
    [InlineData("patch", "", "secrets", "", Regions, "eu-redis-connection")]
    [InlineData("delete", "", "pods", "", Regions, "eu-redis-0-0")]
    [InlineData("delete", "apps", "statefulsets", "", Regions, "eu-redis-0")]
    [InlineData("delete", "apps", "deployments", "", Regions, "eu-clicks")]
    [InlineData("delete", "policy", "poddisruptionbudgets", "", Regions, "eu-clicks")]
    [InlineData("delete", "networking.k8s.io", "networkpolicies", "", Regions, "eu-clicks")]
    [InlineData("create", "rbac.authorization.k8s.io", "rolebindings", "", Regions, "")]
    [InlineData("bind", "rbac.authorization.k8s.io", "clusterroles", "", Regions, "shortener-postgres-member")]
    [InlineData("bind", "rbac.authorization.k8s.io", "clusterroles", "", Regions, "shortener-vote-reader")]
    [InlineData("patch", "", "configmaps", "", Regions, "eu-postgres-leader")]
    [InlineData("create", "apps", "deployments", "", Regions, "")]
    [InlineData("patch", "apps", "deployments", "", Regions, "eu-app")]
    [InlineData("delete", "batch", "jobs", "", Regions, "eu-migrate")]
    [InlineData("patch", "batch", "jobs", "", Regions, "eu-migrate")]
    [InlineData("create", "", "events", "", Regions, "")]
    [InlineData("list", "", "events", "", Regions, "")]
    [InlineData("patch", "policy", "poddisruptionbudgets", "", Regions, "eu-app")]
    [InlineData("delete", "monitoring.coreos.com", "podmonitors", "", Regions, "eu-pods")]
    [InlineData("patch", "externaldns.k8s.io", "dnsendpoints", "", Regions, "eu-dns")]
    [InlineData("delete", "gateway.networking.k8s.io", "httproutes", "", Regions, "eu-route")]
    public async Task Operator_WhatItsCodeNeeds_IsAllowed(string verb, string group, string resource, string subresource, string space, string name) =>
        Assert.True(await IsAllowedAsync(verb, group, resource, subresource, space, name));

    [Theory]
    [InlineData("list", "", "secrets", "", "", "")]
    [InlineData("get", "", "secrets", "", "kube-system", "")]
    [InlineData("get", "", "secrets", "", "default", "anything")]
    [InlineData("list", "", "secrets", "", System, "")]
    [InlineData("get", "", "secrets", "", System, "another")]
    [InlineData("delete", "", "secrets", "", Regions, "eu-postgres")]
    [InlineData("update", "", "secrets", "", Regions, "eu-postgres")]
    [InlineData("deletecollection", "apps", "deployments", "", Regions, "")]
    [InlineData("update", "coordination.k8s.io", "leases", "", System, "another")]
    [InlineData("update", "coordination.k8s.io", "leases", "", "kube-system", "kube-scheduler")]
    [InlineData("create", "apps", "deployments", "", System, "")]
    [InlineData("create", "apps", "deployments", "", "default", "")]
    [InlineData("patch", "monitoring.coreos.com", "podmonitors", "", System, "url-shortener")]
    [InlineData("list", "monitoring.coreos.com", "prometheusrules", "", Regions, "")]
    [InlineData("patch", "externaldns.k8s.io", "dnsendpoints", "status", Regions, "eu-dns")]
    [InlineData("patch", "gateway.networking.k8s.io", "gateways", "", Regions, "public")]
    [InlineData("create", "gateway.networking.k8s.io", "referencegrants", "", Regions, "")]
    [InlineData("create", "", "pods", "exec", Regions, "")]
    [InlineData("create", "", "pods", "", Regions, "")]
    [InlineData("create", "", "serviceaccounts", "token", Regions, "")]
    [InlineData("impersonate", "", "serviceaccounts", "", Regions, "")]
    [InlineData("create", "rbac.authorization.k8s.io", "roles", "", Regions, "")]
    [InlineData("create", "rbac.authorization.k8s.io", "rolebindings", "", System, "")]
    [InlineData("bind", "rbac.authorization.k8s.io", "clusterroles", "", Regions, "edit")]
    [InlineData("bind", "rbac.authorization.k8s.io", "clusterroles", "", "", "cluster-admin")]
    [InlineData("delete", "urlshortener.dev", "shortenerregions", "", Regions, "eu")]
    [InlineData("patch", "admissionregistration.k8s.io", "validatingwebhookconfigurations", "", "", "another")]
    [InlineData("create", "admissionregistration.k8s.io", "validatingwebhookconfigurations", "", "", "another")]
    [InlineData("create", "admissionregistration.k8s.io", "validatingwebhookconfigurations", "", "", "")]
    [InlineData("patch", "apiextensions.k8s.io", "customresourcedefinitions", "", "", "keypools.urlshortener.dev")]
    [InlineData("list", "", "nodes", "", "", "")]
    [InlineData("list", "", "namespaces", "", "", "")]
    public async Task Operator_WhatItsCodeDoesNotNeed_IsDenied(string verb, string group, string resource, string subresource, string space, string name) =>
        Assert.False(await IsAllowedAsync(verb, group, resource, subresource, space, name));

    [Fact]
    public async Task Operator_AskingWhatItMay_FindsNoWildcardAndNoSecretsElsewhere()
    {
        var cluster = await installed.GetAsync();
        using var client = KubernetesCluster.CreateClient(await cluster.GetUserAsync(System, InstalledCluster.Name, Token));
        foreach (var space in (string[])["default", "kube-system", System, Regions])
        {
            var rules = (
                await client.AuthorizationV1.CreateSelfSubjectRulesReviewAsync(
                    new V1SelfSubjectRulesReview { Spec = new V1SelfSubjectRulesReviewSpec { NamespaceProperty = space } },
                    cancellationToken: Token
                )
            )
                .Status
                .ResourceRules;
            Assert.NotEmpty(rules);
            Assert.DoesNotContain(rules, rule => rule.Verbs.Contains("*") || rule.Resources.Contains("*") || rule.ApiGroups.Contains("*"));
            var secrets = rules.Where(rule => rule.Resources.Contains("secrets")).ToList();
            if (space is "default" or "kube-system")
                Assert.Empty(secrets);
        }
    }

    [Theory]
    [InlineData("edit", "create", true)]
    [InlineData("edit", "get", true)]
    [InlineData("view", "get", true)]
    [InlineData("view", "create", false)]
    public async Task User_WithABuiltInRole_MayDoToRegionsWhatTheRoleSays(string role, string verb, bool isAllowed)
    {
        var cluster = await installed.GetAsync();
        await using var space = await cluster.CreateNamespaceAsync("users", Token);
        await cluster.RunKubectlAsync(["create", "rolebinding", "user", "--namespace", space.Name, "--clusterrole", role, "--user", "user"], Token);
        // The controller adds the rights to the built-in roles.
        await Eventually.HoldsAsync(() => IsAllowedAsync("get", "urlshortener.dev", "shortenerregions", "", space.Name, "", "user"), "the role is aggregated");
        // To this one it may add some of them later.
        await Eventually.HoldsAsync(
            async () => isAllowed == await IsAllowedAsync(verb, "urlshortener.dev", "keypools", "", space.Name, "", "user"),
            $"{role} may {verb}: {isAllowed}"
        );
        await Eventually.HoldsAsync(
            async () => (role == "edit") == await IsAllowedAsync("patch", "urlshortener.dev", "shortenerregions", "scale", space.Name, "eu", "user"),
            $"{role} may scale: {role == "edit"}"
        );
        // The status is the operator's.
        Assert.False(await IsAllowedAsync("patch", "urlshortener.dev", "shortenerregions", "status", space.Name, "eu", "user"));
    }

    [Fact]
    public async Task Operator_InANamespaceThatWasAdded_MayWorkThere()
    {
        var cluster = await installed.GetAsync();
        await using var space = await cluster.CreateNamespaceAsync("added", Token);
        Assert.False(await IsAllowedAsync("create", "apps", "deployments", "", space.Name, ""));
        using var client = cluster.CreateClient();
        await client.CustomObjects.CreateNamespacedCustomObjectAsync(
            ManifestFile.ReadOne("config/namespace/rolebinding.yaml"),
            "rbac.authorization.k8s.io",
            "v1",
            space.Name,
            "rolebindings",
            cancellationToken: Token
        );
        await Eventually.HoldsAsync(() => IsAllowedAsync("create", "apps", "deployments", "", space.Name, ""), "the binding is in force");
    }

    private async Task<bool> IsAllowedAsync(string verb, string group, string resource, string subresource, string space, string name, string? user = null)
    {
        var cluster = await installed.GetAsync();
        using var client = cluster.CreateClient();
        var review = new V1SubjectAccessReview
        {
            Spec = new V1SubjectAccessReviewSpec
            {
                User = user ?? $"system:serviceaccount:{System}:{InstalledCluster.Name}",
                Groups = user is null ? ["system:authenticated", "system:serviceaccounts", $"system:serviceaccounts:{System}"] : ["system:authenticated"],
                ResourceAttributes = new V1ResourceAttributes
                {
                    Verb = verb,
                    Group = group,
                    Resource = resource,
                    Subresource = subresource,
                    NamespaceProperty = space,
                    Name = name,
                },
            },
        };
        return (await client.AuthorizationV1.CreateSubjectAccessReviewAsync(review, cancellationToken: Token)).Status.Allowed;
    }
}
