using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using UrlShortener.TestServers;
using UrlShortener.TestServers.Kubernetes;
using UrlShortener.TestServers.Kubernetes.Kubelet;

namespace UrlShortener.Load;

/// <summary>The operator as a process, with regions whose pods run nothing: what it costs when nothing happens, and how soon it acts when something
/// does.</summary>
internal sealed class RegionsRun(RegionsOptions options, Action<string> progress)
{
    private const string Group = "urlshortener.dev";
    private const string Version = "v1alpha1";
    private const string Plural = "shortenerregions";
    private const string PodAddress = "127.0.0.1";
    private const int PodPort = 8080;
    private const int FormerMaximum = 200;
    private const int NewMaximum = 201;
    private const int RequestsAtOnce = 8;
    private static readonly TimeSpan ReadyLimit = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan SettleTime = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan ChangeLimit = TimeSpan.FromSeconds(60);

    public async Task<RegionsReport> RunAsync(Workspace workspace, CancellationToken cancellationToken)
    {
        await using var cluster = await StartClusterAsync(cancellationToken);
        using var client = cluster.CreateClient();
        foreach (var file in Directory.GetFiles(Checkout.PathOf("crds")))
            await client.ApiextensionsV1.CreateCustomResourceDefinitionAsync(
                KubernetesYaml.Deserialize<V1CustomResourceDefinition>(await File.ReadAllTextAsync(file, cancellationToken)),
                cancellationToken: cancellationToken
            );
        await using var space = await cluster.CreateNamespaceAsync("regions", cancellationToken);
        await using var kubelet = await ProcessKubelet.StartAsync(
            cluster,
            new ProcessKubeletOptions
            {
                Namespaces = [space.Name],
                Fake = true,
                FakeAddress = PodAddress,
            },
            cancellationToken
        );
        using var health = StartHealth();
        await using var product = await StartOperatorAsync(cluster, space.Name, cancellationToken);

        progress($"{options.Regions} regions of {options.Pods} pods");
        var started = Stopwatch.GetTimestamp();
        await CreateRegionsAsync(client, space.Name, cancellationToken);
        await WaitUntilReadyAsync(client, space.Name, started, cancellationToken);
        var ready = Stopwatch.GetElapsedTime(started);

        progress($"ready after {ready.TotalSeconds:0} s; steady state");
        await Task.Delay(SettleTime, cancellationToken);
        var (cpu, before) = (product.CpuTime, await ReadMetricsAsync(product, cancellationToken));
        await Task.Delay(TimeSpan.FromSeconds(options.SteadySeconds), cancellationToken);
        var (used, after) = (product.CpuTime - cpu, await ReadMetricsAsync(product, cancellationToken));

        progress($"{options.Changes} changes");
        var changes = new List<double>();
        foreach (var number in Enumerable.Range(0, Math.Min(options.Changes, options.Regions)))
            changes.Add(await ChangeAsync(client, space.Name, Name(number), cancellationToken));

        var report = new RegionsReport
        {
            Machine = Machine.Describe(workspace.DataFolder),
            Kubernetes = cluster.Version.ToString(),
            Options = options,
            ReadySeconds = ready.TotalSeconds,
            SteadyCpu = used.TotalSeconds / options.SteadySeconds,
            SteadyReconciles = Rate("controller_runtime_reconcile_total"),
            SteadyRequests = Rate("rest_client_requests_total"),
            SteadyWrites = Difference("shortener_operator_writes_total", "outcome=\"written\""),
            ResidentBytes = product.ReadMemory("VmRSS"),
            PeakResidentBytes = product.ReadMemory("VmHWM"),
            ChangeSeconds = changes,
        };
        await product.StopAsync(cancellationToken);
        return report;

        double Difference(string name, params string[] labels) => after.Sum(name, labels) - before.Sum(name, labels);
        double Rate(string name) => Difference(name) / options.SteadySeconds;
    }

    private static async Task<KubernetesCluster> StartClusterAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await KubernetesCluster.StartAsync(new KubernetesClusterOptions(), cancellationToken);
        }
        catch (ServerUnavailableException error)
        {
            throw new LoadException(error.Message);
        }
    }

    /// <summary>Answers in the place of all pods as a healthy one does.</summary>
    private static HttpListener StartHealth()
    {
        var listener = new HttpListener { Prefixes = { $"http://{PodAddress}:{PodPort}/" } };
        try
        {
            listener.Start();
        }
        catch (HttpListenerException error)
        {
            throw new LoadException($"Port {PodPort} of {PodAddress}, where the operator looks for the health of pods, cannot be had: {error.Message}");
        }

        // Ends with the listener; what fails then has nobody left to be told.
        listener.BeginGetContext(Answer, listener);
        return listener;
    }

    private static void Answer(IAsyncResult result)
    {
        var listener = (HttpListener)result.AsyncState!;
        try
        {
            var context = listener.EndGetContext(result);
            listener.BeginGetContext(Answer, listener);
            context.Response.ContentType = "application/json";
            context.Response.Close("""{"status":"healthy","components":{"database":"healthy"}}"""u8.ToArray(), willBlock: false);
        }
        catch (Exception error) when (error is HttpListenerException or ObjectDisposedException or InvalidOperationException)
        {
            // The run has ended, or the operator has gone away.
        }
    }

    private Task<ServerProcess> StartOperatorAsync(KubernetesCluster cluster, string space, CancellationToken cancellationToken)
    {
        var port = ServerProcess.FindFreePort().ToString(CultureInfo.InvariantCulture);
        return ServerProcess.StartAsync(
            Executables.FindOperator(options.Operator),
            [],
            new Uri($"http://127.0.0.1:{port}"),
            "/readyz",
            HttpStatusCode.OK,
            null,
            cancellationToken,
            ("KUBECONFIG", cluster.Kubeconfig),
            ("Operator__Namespaces", space),
            ("Operator__Address", "127.0.0.1"),
            ("Operator__Port", port),
            ("Operator__LeaderElection__Namespace", space),
            ("Operator__Webhooks__Enabled", "false")
        );
    }

    private static async Task<Exposition> ReadMetricsAsync(ServerProcess product, CancellationToken cancellationToken) =>
        new(await product.Client.GetStringAsync(new Uri("/metrics", UriKind.Relative), cancellationToken));

    private async Task CreateRegionsAsync(IKubernetes client, string space, CancellationToken cancellationToken)
    {
        var secret = new V1Secret
        {
            Metadata = new V1ObjectMeta { Name = "postgres" },
            StringData = new Dictionary<string, string> { ["connectionString"] = "Host=127.0.0.1" },
        };
        await client.CoreV1.CreateNamespacedSecretAsync(secret, space, cancellationToken: cancellationToken);
        await Parallel.ForEachAsync(
            Enumerable.Range(0, options.Regions),
            new ParallelOptions { MaxDegreeOfParallelism = RequestsAtOnce, CancellationToken = cancellationToken },
            async (number, token) =>
                await client.CustomObjects.CreateNamespacedCustomObjectAsync(Region(Name(number)), Group, Version, space, Plural, cancellationToken: token)
        );
    }

    private Dictionary<string, object> Region(string name) =>
        new()
        {
            ["apiVersion"] = $"{Group}/{Version}",
            ["kind"] = "ShortenerRegion",
            ["metadata"] = new Dictionary<string, object> { ["name"] = name },
            ["spec"] = new Dictionary<string, object>
            {
                ["region"] = name,
                ["app"] = new Dictionary<string, object>
                {
                    ["image"] = "registry.example/url-shortener:1.0",
                    ["minReplicas"] = options.Pods,
                    ["maxReplicas"] = FormerMaximum,
                },
                ["connections"] = new Dictionary<string, object> { ["postgresSecretRef"] = new Dictionary<string, object> { ["name"] = "postgres" } },
                ["traffic"] = new Dictionary<string, object> { ["hostnames"] = new[] { "sho.rt" } },
            },
        };

    private async Task WaitUntilReadyAsync(IKubernetes client, string space, long started, CancellationToken cancellationToken)
    {
        while (true)
        {
            var list = JsonNode.Parse(
                JsonBytes(await client.CustomObjects.ListNamespacedCustomObjectAsync(Group, Version, space, Plural, cancellationToken: cancellationToken))
            )!;
            var regions = list["items"]!.AsArray();
            if (regions.Count(IsReady) == options.Regions)
                return;
            if (Stopwatch.GetElapsedTime(started) > ReadyLimit)
                throw new LoadException(
                    $"{regions.Count(IsReady)} of {options.Regions} regions were ready after {ReadyLimit.TotalMinutes:0} minutes. One that is not: {regions.First(region => !IsReady(region))?["status"]?.ToJsonString()}"
                );
            await Task.Delay(TimeSpan.FromSeconds(1), cancellationToken);
        }
    }

    // Reconciling as well: what is ready and still changes is not steady.
    private static bool IsReady(JsonNode? region)
    {
        var conditions = region?["status"]?["conditions"]?.AsArray();
        return Has("Ready", "True") && Has("Reconciling", "False");

        bool Has(string type, string status) =>
            conditions?.Any(condition => (string?)condition!["type"] == type && (string?)condition["status"] == status) == true;
    }

    private static async Task<double> ChangeAsync(IKubernetes client, string space, string name, CancellationToken cancellationToken)
    {
        var patch = new V1Patch($$"""{ "spec": { "app": { "maxReplicas": {{NewMaximum}} } } }""", V1Patch.PatchType.MergePatch);
        var started = Stopwatch.GetTimestamp();
        await client.CustomObjects.PatchNamespacedCustomObjectAsync(patch, Group, Version, space, Plural, name, cancellationToken: cancellationToken);
        while (
            (await client.AutoscalingV1.ReadNamespacedHorizontalPodAutoscalerAsync($"{name}-app", space, cancellationToken: cancellationToken)).Spec.MaxReplicas
            != NewMaximum
        )
        {
            if (Stopwatch.GetElapsedTime(started) > ChangeLimit)
                throw new LoadException($"The change of {name} was not acted on within {ChangeLimit.TotalSeconds:0} s.");
            await Task.Delay(TimeSpan.FromMilliseconds(10), cancellationToken);
        }

        return Stopwatch.GetElapsedTime(started).TotalSeconds;
    }

    private static byte[] JsonBytes(object value) => Encoding.UTF8.GetBytes(KubernetesJson.Serialize(value));

    private static string Name(int number) => string.Create(CultureInfo.InvariantCulture, $"region-{number:0000}");
}
