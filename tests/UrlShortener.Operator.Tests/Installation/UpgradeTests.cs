using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging.Abstractions;
using UrlShortener.ControllerRuntime.Events;
using UrlShortener.Operator.Webhooks;
using UrlShortener.TestServers;
using UrlShortener.TestServers.Kubernetes;
using UrlShortener.TestServers.Processes;
using Xunit;

namespace UrlShortener.Operator.Tests.Installation;

/// <summary>Installing, changing and upgrading with kubectl, in a cluster of its own.</summary>
public sealed class UpgradeTests(UpgradeTests.EmptyCluster servers) : IClassFixture<UpgradeTests.EmptyCluster>, IDisposable
{
    private readonly ServerFolder _folder = ServerFolder.Create(onDisk: true);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FirstRelease_Upgraded_KeepsTheUsersNamespaceAndItsSelectors()
    {
        var cluster = await servers.GetAsync();
        using var client = cluster.CreateClient();
        await cluster.RunKubectlAsync(["apply", "-f", Checkout.PathOf("tests/UrlShortener.Operator.Tests/Installation/FormerInstallation.yaml")], Token);
        var former = await client.CoreV1.ReadNamespaceAsync(InstalledCluster.RegionNamespace, cancellationToken: Token);

        await ApplyAsync(cluster, Checkout.PathOf("."), isServerSide: false);

        var space = await client.CoreV1.ReadNamespaceAsync(InstalledCluster.RegionNamespace, cancellationToken: Token);
        Assert.Equal((former.Uid(), "Active"), (space.Uid(), space.Status.Phase));
        var deployment = await client.AppsV1.ReadNamespacedDeploymentAsync(InstalledCluster.Name, InstalledCluster.SystemNamespace, cancellationToken: Token);
        Assert.Equal(2, deployment.Spec.Selector.MatchLabels.Count);
        Assert.Equal("0.1.0", deployment.Spec.Template.Metadata.Labels["app.kubernetes.io/version"]);
    }

    [Fact]
    public async Task Everything_ThatIsInstalled_HasTheRecommendedLabels()
    {
        var cluster = await servers.GetAsync();
        var objects = ManifestFile.Parse(await cluster.RunKubectlAsync(["kustomize", Checkout.PathOf(".")], Token));
        Assert.Equal(ManifestFile.ReadInstalled().Count, objects.Count);
        foreach (var item in objects)
        {
            var labels = item["metadata"]!["labels"]!.AsObject();
            Assert.All(
                (string[])["name", "instance", "version", "component", "part-of", "managed-by"],
                label => Assert.True(labels.ContainsKey($"app.kubernetes.io/{label}"), $"{item["kind"]} {item["metadata"]!["name"]}: {label}")
            );
            Assert.NotEqual(InstalledCluster.RegionNamespace, (string?)item["metadata"]!["name"]);
            Assert.NotEqual(InstalledCluster.RegionNamespace, (string?)item["metadata"]!["namespace"]);
        }

        var image = (string)objects.Single(item => (string?)item["kind"] == "Deployment")["spec"]!["template"]!["spec"]!["containers"]![0]!["image"]!;
        Assert.Contains('/', image);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Overlay_WithNamespacesOfItsOwn_SurvivesAnUpgrade(bool isServerSide)
    {
        var cluster = await servers.GetAsync();
        using var client = cluster.CreateClient();
        await using var shop = await cluster.CreateNamespaceAsync("shop", Token);
        var component = Path.Combine(_folder.FullName, "namespaces");
        Directory.CreateDirectory(component);
        foreach (var file in ManifestFile.FilesIn("config/components/namespaces"))
        {
            var text = await File.ReadAllTextAsync(Checkout.PathOf(file), Token);
            text = text.Replace("=urlshortener", $"={shop.Name}", StringComparison.Ordinal)
                .Replace("namespace: urlshortener\n", $"namespace: {shop.Name}\n", StringComparison.Ordinal);
            await File.WriteAllTextAsync(Path.Combine(component, Path.GetFileName(file)), text, Token);
        }

        foreach (var tag in (string[])["0.1.0", "0.2.0"])
        {
            await WriteOverlayAsync(
                $$"""
                components: [namespaces]
                images: [{name: localhost/url-shortener-operator, newTag: "{{tag}}"}]
                """
            );
            await ApplyAsync(cluster, _folder.FullName, isServerSide);
            var container = (
                await client.AppsV1.ReadNamespacedDeploymentAsync(InstalledCluster.Name, InstalledCluster.SystemNamespace, cancellationToken: Token)
            )
                .Spec
                .Template
                .Spec
                .Containers[0];
            Assert.Equal($"localhost/url-shortener-operator:{tag}", container.Image);
            var settings = await client.CoreV1.ReadNamespacedConfigMapAsync(
                container.EnvFrom[0].ConfigMapRef.Name,
                InstalledCluster.SystemNamespace,
                cancellationToken: Token
            );
            Assert.Equal(shop.Name, settings.Data["Operator__Namespaces"]);
            Assert.DoesNotContain(container.Env, variable => variable.Name == "Operator__Namespaces");
        }

        var bindings = await client.RbacAuthorizationV1.ListNamespacedRoleBindingAsync(shop.Name, cancellationToken: Token);
        Assert.Equal("shortener-operator-workloads", Assert.Single(bindings.Items).RoleRef.Name);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task CaBundle_AppliedOver_Stays(bool isServerSide)
    {
        var cluster = await servers.GetAsync();
        await ApplyAsync(cluster, Checkout.PathOf("."), isServerSide);
        var user = await cluster.GetUserAsync(InstalledCluster.SystemNamespace, InstalledCluster.Name, Token);
        using var client = KubernetesCluster.CreateClient(user);
        var options = new WebhookOptions();
        var configuration = new WebhookConfiguration(client, options);
        using var worker = new CertificateWorker(
            new CertificateSecret(client, options),
            configuration,
            new ServingCertificate(),
            options,
            new EventRecorder(TimeProvider.System),
            TimeProvider.System,
            NullLogger<CertificateWorker>.Instance
        );
        await worker.LookAsync(Token);
        var published = await ReadBundlesAsync();

        // A change, or client-side apply sends nothing.
        await WriteOverlayAsync(
            $$"""
            patches:
            - target: {kind: ValidatingWebhookConfiguration}
              patch: '[{"op": "replace", "path": "/webhooks/0/timeoutSeconds", "value": {{(isServerSide ? 7 : 6)}}}]'
            """
        );
        await ApplyAsync(cluster, _folder.FullName, isServerSide);

        Assert.Equal(isServerSide ? 7 : 6, (await configuration.FindAsync(Token))!.Webhooks[0].TimeoutSeconds);
        Assert.Equal(published, await ReadBundlesAsync());
        var managers = (await configuration.FindAsync(Token))!.Metadata.ManagedFields.Select(entry => entry.Manager).ToList();
        Assert.Contains("shortener-operator-webhook", managers);
        Assert.DoesNotContain("kubernetes-csharp", managers);

        // Deleted while the operator runs, it is made again as it was, with the operator's own rights. To apply the manifests again is no conflict.
        using var admin = cluster.CreateClient();
        await worker.LookAsync(Token);
        await admin.AdmissionregistrationV1.DeleteValidatingWebhookConfigurationAsync(options.ConfigurationName, cancellationToken: Token);
        await worker.LookAsync(Token);
        Assert.Null(await configuration.FindAsync(Token));
        await worker.LookAsync(Token);
        Assert.Equal(isServerSide ? 7 : 6, (await configuration.FindAsync(Token))!.Webhooks[0].TimeoutSeconds);
        Assert.Equal(published, await ReadBundlesAsync());
        await cluster.RunKubectlAsync(["apply", isServerSide ? "--server-side" : "--server-side=false", "-k", _folder.FullName], Token);
        Assert.Equal(published, await ReadBundlesAsync());

        async Task<List<string>> ReadBundlesAsync()
        {
            var bundles = (await configuration.FindAsync(Token))!.Webhooks.Select(webhook => Convert.ToBase64String(webhook.ClientConfig.CaBundle)).ToList();
            Assert.All(bundles, Assert.NotEmpty);
            return bundles;
        }
    }

    public void Dispose() => _folder.Delete();

    private static Task<string> ApplyAsync(KubernetesCluster cluster, string folder, bool isServerSide) =>
        cluster.RunKubectlAsync(isServerSide ? ["apply", "--server-side", "--force-conflicts", "-k", folder] : ["apply", "-k", folder], Token);

    private Task WriteOverlayAsync(string text) =>
        File.WriteAllTextAsync(
            Path.Combine(_folder.FullName, "kustomization.yaml"),
            $"resources: [{Path.GetRelativePath(_folder.FullName, Checkout.PathOf("."))}]\n{text}\n",
            Token
        );

    /// <summary>A cluster in which nothing is installed yet.</summary>
    public sealed class EmptyCluster : ClusterFixture
    {
        /// <inheritdoc />
        protected override Task PrepareAsync(KubernetesCluster cluster) =>
            // What is installed has fixed names, which must not touch a cluster that somebody uses.
            cluster.IsLocal
                ? Task.CompletedTask
                : throw ServerUnavailableException.NeedsLocalControlPlane("Installing the operator");
    }
}
