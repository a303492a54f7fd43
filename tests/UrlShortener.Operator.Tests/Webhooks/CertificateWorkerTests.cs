using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s;
using k8s.Models;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using UrlShortener.ControllerRuntime.Events;
using UrlShortener.Operator.Webhooks;
using Xunit;

namespace UrlShortener.Operator.Tests.Webhooks;

public sealed class CertificateWorkerTests(ApiServerFixture servers)
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Replicas_StartedTogether_ServeWithOneCertificate()
    {
        var cluster = await servers.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("replicas", Token);
        var options = new WebhookOptions { Namespace = space.Name, ConfigurationName = $"none-{space.Name}" };
        var serving = Enumerable.Range(0, 8).Select(_ => new ServingCertificate()).ToList();
        var replicas = serving
            .Select(one => new CertificateWorker(
                new CertificateSecret(client, options),
                new WebhookConfiguration(client, options),
                one,
                options,
                new EventRecorder(TimeProvider.System),
                TimeProvider.System,
                NullLogger<CertificateWorker>.Instance
            ))
            .ToList();
        try
        {
            await Task.WhenAll(replicas.Select(replica => replica.LookAsync(Token)));
            Assert.Single(serving.Select(one => one.Current!.Thumbprint).Distinct());
        }
        finally
        {
            replicas.ForEach(replica => replica.Dispose());
        }
    }

    [Fact]
    public async Task Configuration_Reverted_IsToldAgain()
    {
        var cluster = await servers.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("reverted", Token);
        await using var host = await WebhookHost.StartAsync(cluster, space.Name, TimeProvider.System);
        await host.InstallAsync();
        var bundle = await host.ReadBundleAsync();

        var configuration = await client.AdmissionregistrationV1.ReadValidatingWebhookConfigurationAsync(
            host.Options.ConfigurationName,
            cancellationToken: Token
        );
        configuration.Webhooks[0].ClientConfig.CaBundle = null;
        configuration.Webhooks[0].TimeoutSeconds = 7;
        await client.AdmissionregistrationV1.ReplaceValidatingWebhookConfigurationAsync(
            configuration,
            host.Options.ConfigurationName,
            cancellationToken: Token
        );
        await Eventually.HoldsAsync(async () => await host.ReadBundleAsync() == bundle, "the API server is told again");
        // What else somebody set is theirs.
        Assert.Equal(
            7,
            (await client.AdmissionregistrationV1.ReadValidatingWebhookConfigurationAsync(host.Options.ConfigurationName, cancellationToken: Token))
                .Webhooks[0]
                .TimeoutSeconds
        );
    }

    [Fact]
    public async Task Configuration_OfTwoInstallations_IsReported()
    {
        var cluster = await servers.GetAsync();
        await using var space = await cluster.CreateNamespaceAsync("one", Token);
        await using var otherSpace = await cluster.CreateNamespaceAsync("other", Token);
        await using var host = await WebhookHost.StartAsync(cluster, space.Name, TimeProvider.System);
        await host.InstallAsync();
        Assert.False(host.Worker.IsContested);

        await using var other = await WebhookHost.StartAsync(cluster, otherSpace.Name, TimeProvider.System, configuration: host.Options.ConfigurationName);

        await Eventually.HoldsAsync(() => host.Worker.IsContested && other.Worker.IsContested, "both report it");
    }

    [Fact]
    public async Task Secret_Spoilt_IsMadeAnew()
    {
        var cluster = await servers.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("spoilt", Token);
        await using var host = await WebhookHost.StartAsync(cluster, space.Name, TimeProvider.System);
        await host.InstallAsync();
        var bundle = await host.ReadBundleAsync();

        var spoilt = new V1Patch(new { data = new Dictionary<string, byte[]> { ["ca.key"] = Encoding.UTF8.GetBytes("x") } }, V1Patch.PatchType.MergePatch);
        await client.CoreV1.PatchNamespacedSecretAsync(spoilt, host.Options.SecretName, space.Name, cancellationToken: Token);
        await Eventually.HoldsAsync(async () => await host.ReadBundleAsync() != bundle, "there is another authority");
        await Eventually.HoldsAsync(async () => await IsTrustedAsync(host), "what is served is trusted");
    }

    [Fact]
    public async Task Certificates_InSteadyState_AreNotWritten()
    {
        var cluster = await servers.GetAsync();
        await using var space = await cluster.CreateNamespaceAsync("steady", Token);
        await using var host = await WebhookHost.StartAsync(cluster, space.Name, TimeProvider.System);
        await host.InstallAsync();
        for (var i = 0; i < 5; i++)
            await host.LookAsync();
        var writes = await cluster.ReadAuditAsync(
            one => one.IsWrite && one.Namespace == space.Name && one.Resource == "secrets" && one.Name == host.Options.SecretName,
            Token
        );
        Assert.True(writes.Count <= 1, string.Join(", ", writes));
    }

    // A year in the life of one process, which never restarts: each certificate is served as soon as it is made, and is trusted by what the API server is told.
    [Fact]
    public async Task Certificates_OverAYear_AreReplacedWithoutARestart()
    {
        var cluster = await servers.GetAsync();
        await using var space = await cluster.CreateNamespaceAsync("year", Token);
        var time = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60));
        await using var host = await WebhookHost.StartAsync(cluster, space.Name, time);
        await host.LookAsync();
        using (var client = cluster.CreateClient())
        {
            var configuration = WebhookManifest.Build(host.Options.ConfigurationName, new() { ["url"] = host.Address.ToString() });
            configuration["webhooks"]![0]!["namespaceSelector"] = new System.Text.Json.Nodes.JsonObject
            {
                ["matchLabels"] = new System.Text.Json.Nodes.JsonObject { ["never"] = "matches" },
            };
            await client.CustomObjects.CreateClusterCustomObjectAsync(
                configuration,
                "admissionregistration.k8s.io",
                "v1",
                "validatingwebhookconfigurations",
                cancellationToken: Token
            );
        }

        await host.LookAsync();
        var bundles = new HashSet<string>(StringComparer.Ordinal);
        var served = new HashSet<string>(StringComparer.Ordinal);
        for (var week = 0; week < 56; week++)
        {
            var before = await host.ReadBundleAsync();
            time.Advance(TimeSpan.FromDays(7));
            await host.LookAsync();
            using var certificate = await ConnectAsync(host);
            Assert.True(IsTrusted(certificate, before, time.GetUtcNow()), $"week {week}: by what the API server knew before");
            Assert.True(IsTrusted(certificate, await host.ReadBundleAsync(), time.GetUtcNow()), $"week {week}");
            served.Add(certificate.Thumbprint);
            bundles.Add(await host.ReadBundleAsync());
        }

        Assert.InRange(served.Count, 6, 9);
        Assert.True(bundles.Count >= 3, "one authority, then two, then the newer one with the former");
    }

    private static async Task<bool> IsTrustedAsync(WebhookHost host)
    {
        using var certificate = await ConnectAsync(host);
        return IsTrusted(certificate, await host.ReadBundleAsync(), TimeProvider.System.GetUtcNow());
    }

    private static bool IsTrusted(X509Certificate2 certificate, string bundle, DateTimeOffset now)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        chain.ChainPolicy.CustomTrustStore.ImportFromPem(bundle);
        return chain.Build(certificate);
    }

    // What a new connection gets.
    private static async Task<X509Certificate2> ConnectAsync(WebhookHost host)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", host.Options.Port, Token);
        await using var tls = new SslStream(socket.GetStream());
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions
            {
                TargetHost = "127.0.0.1",
                RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate is not null,
            },
            Token
        );
        return X509CertificateLoader.LoadCertificate(tls.RemoteCertificate!.Export(X509ContentType.Cert));
    }
}
