using System.Collections.Concurrent;
using System.Net;
using k8s;
using k8s.Autorest;
using k8s.Models;
using UrlShortener.TestHarness.Product;
using UrlShortener.TestServers.Kubernetes;
using UrlShortener.TestServers.Kubernetes.Kubelet;
using UrlShortener.TestServers.Kubernetes.Services;
using Xunit;

namespace UrlShortener.TestServers.Tests;

public sealed class ProcessKubeletTests(KubernetesClusterFixture fixture) : ServerTest, IAsyncLifetime
{
    private const int SigStop = 19;

    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromMinutes(2) };
    private KubernetesCluster _cluster = null!;
    private IKubernetes _client = null!;
    private KubernetesNamespace _space = null!;
    private ProcessKubelet _kubelet = null!;

    public async ValueTask InitializeAsync()
    {
        _cluster = await SharedAsync(fixture);
        _client = _cluster.CreateClient();
        _space = await _cluster.CreateNamespaceAsync("kubelet", Token);
        var options = new ProcessKubeletOptions { Namespaces = [_space.Name], Program = Samples.Program };
        _kubelet = await OrSkipAsync(() => ProcessKubelet.StartAsync(_cluster, options, Token));
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        // None of them where the test was skipped.
        if (_kubelet is not null)
            await _kubelet.DisposeAsync();
        if (_space is not null)
            await _space.DisposeAsync();
        _client?.Dispose();
    }

    [Fact]
    public async Task Deployment_ImageAndGreetingChanged_RollsWithoutALostRequest()
    {
        var container = Samples.Web("one");
        // Pods that are well must not look ill.
        container.ReadinessProbe.TimeoutSeconds = 60;
        // A pod ends when the test lets it.
        using var gate = new TestFolder();
        container.Env.Add(OwnAddress);
        container.VolumeMounts = [new V1VolumeMount { Name = "gate", MountPath = "/gate" }];
        string[] wait = ["sh", "-c", "until [ -e /gate/$IP ]; do sleep 0.1; done"];
        container.Lifecycle = new V1Lifecycle { PreStop = new V1LifecycleHandler { Exec = new V1ExecAction { Command = wait } } };
        var deployment = Samples.Deployment("web", 2, container);
        deployment.Spec.Template.Spec.TerminationGracePeriodSeconds = 3_600;
        deployment.Spec.Template.Spec.Volumes =
        [
            new V1Volume
            {
                Name = "gate",
                HostPath = new V1HostPathVolumeSource { Path = gate.FullName },
            },
        ];
        deployment.Spec.Strategy = new V1DeploymentStrategy
        {
            RollingUpdate = new V1RollingUpdateDeployment { MaxUnavailable = 0, MaxSurge = 1 },
        };
        deployment = await _client.AppsV1.CreateNamespacedDeploymentAsync(deployment, _space.Name, cancellationToken: Token);
        await _client.CoreV1.CreateNamespacedServiceAsync(Samples.Service("web"), _space.Name, cancellationToken: Token);
        await using var proxy = await ServiceProxy.StartAsync(_cluster, _space.Name, "web", 80, Token);
        await proxy.WaitUntilReadyAsync(2, Token);
        Assert.Equal("one", await _http.GetStringAsync(proxy.Address, Token));
        var address = await _cluster.ServiceAddressAsync(_space.Name, "web", "http", Token);
        Assert.Equal("one", await _http.GetStringAsync(new Uri($"http://{address}/"), Token));
        var old = await PodsAsync("web");

        var answers = new ConcurrentQueue<string>();
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var traffic = Task.Run(
            async () =>
            {
                while (!enough.IsCancellationRequested)
                    answers.Enqueue(await _http.GetStringAsync(proxy.Address, Token));
            },
            Token
        );
        container.Env[0].Value = "two";
        container.Image = "web:2";
        deployment.Spec.Template.Spec.Containers = [container];
        deployment.Metadata.ResourceVersion = null;
        await _client.AppsV1.ReplaceNamespacedDeploymentAsync(deployment, "web", _space.Name, cancellationToken: Token);
        await Task.WhenAll(old.Select(pod => LetEndAsync(pod.Status.PodIP)));
        await Eventually.HoldsAsync(
            async () => (await PodsAsync("web")).Select(pod => pod.Metadata.Uid).Intersect(old.Select(pod => pod.Metadata.Uid)).Any() is false,
            "the old pods are gone"
        );
        await enough.CancelAsync();
        await traffic;

        Assert.Equal(["one", "two"], answers.Distinct());
        Assert.Equal("two", await _http.GetStringAsync(proxy.Address, Token));
        Assert.Empty((await PodsAsync("web")).Select(pod => pod.Status.PodIP).Intersect(old.Select(pod => pod.Status.PodIP)));

        // Once the proxy has heard that it ends, and the request that may have been on its way to it is answered.
        async Task LetEndAsync(string ended)
        {
            await Eventually.HoldsAsync(
                () => traffic.IsCompleted || proxy.EndPoints.All(endPoint => endPoint.Address.ToString() != ended),
                $"the proxy has heard that {ended} ends"
            );
            var answered = answers.Count;
            await Eventually.HoldsAsync(() => traffic.IsCompleted || answers.Count > answered + 1, "requests go on");
            await File.WriteAllTextAsync(gate.PathOf(ended), "", Token);
        }
    }

    [Fact]
    public async Task Pod_Deleted_IsAskedToEndAndItsSuccessorHasAnotherAddress()
    {
        await _client.AppsV1.CreateNamespacedDeploymentAsync(Samples.Deployment("web", 1), _space.Name, cancellationToken: Token);
        var first = await ReadyPodAsync("web", _ => true);

        await _client.CoreV1.DeleteNamespacedPodAsync(first.Metadata.Name, _space.Name, cancellationToken: Token);

        var second = await ReadyPodAsync("web", pod => pod.Metadata.Uid != first.Metadata.Uid);
        Assert.NotEqual(first.Status.PodIP, second.Status.PodIP);
        await Eventually.HoldsAsync(async () => await FindAsync(first.Metadata.Name) is null, "the first one is gone");
        Assert.Contains("asked to end", _kubelet.ReadLog(_space.Name, first.Metadata.Name, "main"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Pod_DeafToSigterm_IsKilledWhenItsTimeIsOver()
    {
        await CreateAsync(Samples.Pod("deaf", Samples.Shell("trap '' TERM; echo up; while :; do sleep 0.1; done"), grace: 1));
        await RunsAsync("deaf");
        var process = Assert.Single(_kubelet.ReadProcesses(_space.Name, "deaf").Values);

        await _client.CoreV1.DeleteNamespacedPodAsync("deaf", _space.Name, cancellationToken: Token);

        await Eventually.HoldsAsync(async () => await FindAsync("deaf") is null, "it is gone");
        Assert.False(Directory.Exists($"/proc/{process}"));
    }

    [Fact]
    public async Task Container_KilledThreeTimes_IsStartedAgainEachTimeAfterAPause()
    {
        await CreateAsync(Samples.Pod("crash", Samples.Shell("sleep 1000 & wait")));

        var (former, version) = (0, "");
        for (var restarts = 0; restarts < 3; restarts++)
        {
            await Eventually.HoldsAsync(
                async () => (await StatusAsync("crash")) is { State.Running: not null } status && status.RestartCount == restarts,
                $"it runs for time {restarts}"
            );
            version = (await FindAsync("crash"))!.Metadata.ResourceVersion;
            // Each life once: the next one may begin before the end of this one is told.
            await Eventually.HoldsAsync(
                () => _kubelet.ReadProcesses(_space.Name, "crash").Values.Any(process => process != former),
                $"it has a process for time {restarts}"
            );
            former = Assert.Single(_kubelet.ReadProcesses(_space.Name, "crash").Values);
            await _kubelet.KillPodAsync(_space.Name, "crash");
            await Eventually.HoldsAsync(
                async () => await StatusAsync("crash") is not { State.Running: not null } status || status.RestartCount > restarts,
                $"it ends for time {restarts}"
            );
        }

        // It may wait for less time than lies between two looks.
        Assert.True(await WasSeenAsync("crash", version, status => status.State.Waiting?.Reason == "CrashLoopBackOff"));
        await Eventually.HoldsAsync(async () => (await StatusAsync("crash")) is { State.Running: not null, RestartCount: 3 }, "it runs again");
        Assert.Equal(137, (await StatusAsync("crash"))!.LastState.Terminated.ExitCode);
    }

    [Fact]
    public async Task Container_Frozen_FailsItsLivenessProbeAndIsStartedAgain()
    {
        var container = Samples.Web("hello");
        container.LivenessProbe = new V1Probe
        {
            HttpGet = new V1HTTPGetAction { Port = 8080 },
            PeriodSeconds = 1,
            FailureThreshold = 2,
        };
        container.StartupProbe = new V1Probe
        {
            TcpSocket = new V1TCPSocketAction { Port = 8080 },
            // What has not been well yet is asked more often, and has failed only once in that time.
            PeriodSeconds = 3_600,
        };
        await CreateAsync(Samples.Pod("frozen", container, grace: 1));
        await Eventually.HoldsAsync(async () => (await StatusAsync("frozen"))?.Ready == true, "it is ready");
        // On a busy machine it may have been started again before.
        var restarts = (await StatusAsync("frozen"))!.RestartCount;
        await _kubelet.KillPodAsync(_space.Name, "frozen", SigStop);
        // A look may come after the next start.
        await Eventually.HoldsAsync(
            async () => await StatusAsync("frozen") is { } status && (!status.Ready || status.RestartCount > restarts),
            "it is not ready"
        );
        await Eventually.HoldsAsync(
            async () => await StatusAsync("frozen") is { Ready: true } status && status.RestartCount > restarts,
            "it was started again"
        );
    }

    [Fact]
    public async Task Job_EndsWellOrNot_IsCompleteOrFailed()
    {
        await _client.BatchV1.CreateNamespacedJobAsync(Samples.Job("good", Samples.Shell("exit 0")), _space.Name, cancellationToken: Token);
        await _client.BatchV1.CreateNamespacedJobAsync(Samples.Job("bad", Samples.Shell("exit 3")), _space.Name, cancellationToken: Token);

        await Eventually.HoldsAsync(async () => await HasAsync("good", "Complete"), "the one is complete");
        await Eventually.HoldsAsync(async () => await HasAsync("bad", "Failed"), "the other has failed");

        async Task<bool> HasAsync(string name, string condition) =>
            (await _client.BatchV1.ReadNamespacedJobAsync(name, _space.Name, cancellationToken: Token)).Status.Conditions?.Any(one => one.Type == condition)
            == true;
    }

    [Fact]
    public async Task Deployment_UnknownImage_StaysAtTheOldOneUntilItIsPutRight()
    {
        var deployment = await _client.AppsV1.CreateNamespacedDeploymentAsync(Samples.Deployment("web", 1), _space.Name, cancellationToken: Token);
        var old = await ReadyPodAsync("web", _ => true);
        deployment.Metadata.ResourceVersion = null;
        deployment.Spec.Template.Spec.Containers[0].Image = "web:unknown";
        await _client.AppsV1.ReplaceNamespacedDeploymentAsync(deployment, "web", _space.Name, cancellationToken: Token);

        await Eventually.HoldsAsync(
            async () => (await PodsAsync("web")).Any(pod => pod.Status.ContainerStatuses?[0].State.Waiting?.Reason is "ErrImagePull" or "ImagePullBackOff"),
            "the new pod waits for its image"
        );
        await Eventually.HoldsAsync(async () => (await FindAsync(old.Metadata.Name))!.Status.ContainerStatuses[0].Ready, "the old pod is ready");
        deployment.Spec.Template.Spec.Containers[0].Image = "web:2";
        await _client.AppsV1.ReplaceNamespacedDeploymentAsync(deployment, "web", _space.Name, cancellationToken: Token);
        await Eventually.HoldsAsync(
            async () => (await PodsAsync("web")) is [{ Spec: var spec }] && spec.Containers[0].Image == "web:2",
            "the right one runs alone"
        );
    }

    [Fact]
    public async Task Pod_WithVolumesEnvironmentAndInitContainer_FindsThem()
    {
        await _client.CoreV1.CreateNamespacedConfigMapAsync(Samples.ConfigMap("settings", "greeting", "hello"), _space.Name, cancellationToken: Token);
        await _client.CoreV1.CreateNamespacedSecretAsync(
            new V1Secret
            {
                Metadata = new V1ObjectMeta { Name = "secret" },
                StringData = new Dictionary<string, string> { ["PASSWORD"] = "pass" },
            },
            _space.Name,
            cancellationToken: Token
        );
        var container = Samples.Web("");
        container.EnvFrom = [new V1EnvFromSource { SecretRef = new V1SecretEnvSource { Name = "secret" } }];
        container.Env =
        [
            new V1EnvVar
            {
                Name = "KEY",
                ValueFrom = new V1EnvVarSource
                {
                    ConfigMapKeyRef = new V1ConfigMapKeySelector { Name = "settings", Key = "greeting" },
                },
            },
            OwnAddress,
            new V1EnvVar
            {
                Name = "POD",
                ValueFrom = new V1EnvVarSource { FieldRef = new V1ObjectFieldSelector { FieldPath = "metadata.name" } },
            },
            new V1EnvVar { Name = "GREETING", Value = "$(KEY) $(PASSWORD) $(POD) $(IP) $$(IP)" },
            new V1EnvVar { Name = "FILE", Value = "/shared/made" },
        ];
        container.VolumeMounts = [new V1VolumeMount { Name = "shared", MountPath = "/shared" }];
        var init = Samples.Shell("cat /etc/settings/greeting > /shared/made; test -s /var/run/secrets/kubernetes.io/serviceaccount/token");
        init.Name = "init";
        init.VolumeMounts =
        [
            new V1VolumeMount { Name = "shared", MountPath = "/shared" },
            new V1VolumeMount { Name = "settings", MountPath = "/etc/settings" },
        ];
        var pod = Samples.Pod("full", container);
        pod.Spec.InitContainers = [init];
        pod.Spec.Volumes =
        [
            new V1Volume { Name = "shared", EmptyDir = new V1EmptyDirVolumeSource() },
            new V1Volume
            {
                Name = "settings",
                ConfigMap = new V1ConfigMapVolumeSource { Name = "settings" },
            },
        ];
        await CreateAsync(pod);

        await Eventually.HoldsAsync(async () => (await StatusAsync("full"))?.Ready == true, "it is ready");

        var address = (await FindAsync("full"))!.Status.PodIP;
        Assert.Equal($"hello pass full {address} $(IP)", await _http.GetStringAsync(new Uri($"http://{address}:8080/"), Token));
        Assert.Equal("hello", await _http.GetStringAsync(new Uri($"http://{address}:8080/file"), Token));
    }

    [Fact]
    public async Task ConfigMap_Changed_IsSeenInTheVolume()
    {
        await _client.CoreV1.CreateNamespacedConfigMapAsync(Samples.ConfigMap("settings", "greeting", "one"), _space.Name, cancellationToken: Token);
        var container = Samples.Web("");
        container.Env.Add(new V1EnvVar { Name = "FILE", Value = "/etc/settings/greeting" });
        container.VolumeMounts = [new V1VolumeMount { Name = "settings", MountPath = "/etc/settings" }];
        var pod = Samples.Pod("mounted", container);
        pod.Spec.Volumes =
        [
            new V1Volume
            {
                Name = "settings",
                ConfigMap = new V1ConfigMapVolumeSource { Name = "settings" },
            },
        ];
        await CreateAsync(pod);
        await Eventually.HoldsAsync(async () => (await StatusAsync("mounted"))?.Ready == true, "it is ready");
        var file = new Uri($"http://{(await FindAsync("mounted"))!.Status.PodIP}:8080/file");
        Assert.Equal("one", await _http.GetStringAsync(file, Token));

        await _client.CoreV1.ReplaceNamespacedConfigMapAsync(
            Samples.ConfigMap("settings", "greeting", "two"),
            "settings",
            _space.Name,
            cancellationToken: Token
        );

        await Eventually.HoldsAsync(async () => await _http.GetStringAsync(file, Token) == "two", "the file has changed");
    }

    [Fact]
    public async Task Claim_OfAPod_IsBoundGrowsAndIsEmptyWhenItIsAnother()
    {
        var storage = new V1StorageClass
        {
            Metadata = new V1ObjectMeta { Name = _space.Name },
            Provisioner = "example.com/process",
            AllowVolumeExpansion = true,
        };
        await _client.StorageV1.CreateStorageClassAsync(storage, cancellationToken: Token);
        await ClaimAsync("1Gi");
        await Eventually.HoldsAsync(async () => await CapacityAsync() == "1Gi", "the claim is bound");
        await _client.CoreV1.PatchNamespacedPersistentVolumeClaimAsync(
            new V1Patch("""{"spec": {"resources": {"requests": {"storage": "2Gi"}}}}""", V1Patch.PatchType.MergePatch),
            "data",
            _space.Name,
            cancellationToken: Token
        );
        await Eventually.HoldsAsync(async () => await CapacityAsync() == "2Gi", "the claim has grown");

        await RunAsync("first", "test ! -e /data/file && echo made > /data/file");
        await RunAsync("second", "test -e /data/file");
        await _kubelet.WipeClaimAsync(_space.Name, "data", Token);
        await RunAsync("third", "test ! -e /data/file && echo made > /data/file");
        await _client.CoreV1.DeleteNamespacedPersistentVolumeClaimAsync("data", _space.Name, cancellationToken: Token);
        await Eventually.HoldsAsync(
            async () => (await _client.CoreV1.ListNamespacedPersistentVolumeClaimAsync(_space.Name, cancellationToken: Token)).Items.Count == 0,
            "the claim is gone"
        );
        await ClaimAsync("1Gi");
        await RunAsync("fourth", "test ! -e /data/file");
        await _client.StorageV1.DeleteStorageClassAsync(_space.Name, cancellationToken: Token);

        Task ClaimAsync(string size) =>
            _client.CoreV1.CreateNamespacedPersistentVolumeClaimAsync(
                new V1PersistentVolumeClaim
                {
                    Metadata = new V1ObjectMeta { Name = "data" },
                    Spec = new V1PersistentVolumeClaimSpec
                    {
                        AccessModes = ["ReadWriteOnce"],
                        StorageClassName = _space.Name,
                        Resources = new V1VolumeResourceRequirements { Requests = new Dictionary<string, ResourceQuantity> { ["storage"] = new(size) } },
                    },
                },
                _space.Name,
                cancellationToken: Token
            );

        async Task<string?> CapacityAsync() =>
            (await _client.CoreV1.ReadNamespacedPersistentVolumeClaimAsync("data", _space.Name, cancellationToken: Token)) is { Status.Phase: "Bound" } claim
                ? claim.Status.Capacity["storage"].ToString()
                : null;

        async Task RunAsync(string name, string script)
        {
            var container = Samples.Shell(script);
            container.VolumeMounts = [new V1VolumeMount { Name = "data", MountPath = "/data" }];
            var pod = Samples.Pod(name, container, "Never");
            pod.Spec.Volumes =
            [
                new V1Volume
                {
                    Name = "data",
                    PersistentVolumeClaim = new V1PersistentVolumeClaimVolumeSource { ClaimName = "data" },
                },
            ];
            await CreateAsync(pod);
            await Eventually.HoldsAsync(async () => (await FindAsync(name))!.Status.Phase is "Succeeded" or "Failed", $"{name} has ended");
            Assert.Equal("Succeeded", (await FindAsync(name))!.Status.Phase);
            await _client.CoreV1.DeleteNamespacedPodAsync(name, _space.Name, cancellationToken: Token);
            await Eventually.HoldsAsync(async () => await FindAsync(name) is null, $"{name} is gone");
        }
    }

    [Fact]
    public async Task Node_CutOff_ItsPodsGoOnUnheardOfUntilItIsBack()
    {
        await CreateAsync(Samples.Pod("cut", Samples.Web("hello"), grace: 1));
        await Eventually.HoldsAsync(async () => (await StatusAsync("cut"))?.Ready == true, "it is ready");
        var process = Assert.Single(_kubelet.ReadProcesses(_space.Name, "cut").Values);

        await _kubelet.NodeNotReadyAsync(Token);
        await Eventually.HoldsAsync(
            async () => (await FindAsync("cut"))!.Status.Conditions.Any(one => one is { Type: "Ready", Status: "False" }),
            "it shows as not ready"
        );
        await _client.CoreV1.DeleteNamespacedPodAsync("cut", _space.Name, cancellationToken: Token);
        await Assert.ThrowsAsync<TimeoutException>(() => GoneAsync().WaitAsync(TimeSpan.FromSeconds(2), Token));
        Assert.True(Directory.Exists($"/proc/{process}"));

        await _kubelet.NodeReadyAsync(Token);
        await GoneAsync();
        Assert.False(Directory.Exists($"/proc/{process}"));

        Task GoneAsync() => Eventually.HoldsAsync(async () => await FindAsync("cut") is null, "it is gone");
    }

    [Fact]
    public async Task Node_CutOffWithItsPods_NobodyReachesThemUntilItIsBack()
    {
        // Asked over HTTP and by a command: both must go on, or the container would be started again.
        var container = Samples.Web("hello");
        container.LivenessProbe = new V1Probe
        {
            Exec = new V1ExecAction { Command = ["bash", "-c", "exec 3<>/dev/tcp/$IP/8080"] },
            PeriodSeconds = 1,
            // A command takes its time on a busy machine.
            TimeoutSeconds = 20,
            FailureThreshold = 2,
        };
        container.Env.Add(OwnAddress);
        await CreateAsync(Samples.Pod("cut", container, grace: 1));
        await Eventually.HoldsAsync(async () => (await StatusAsync("cut"))?.Ready == true, "it is ready");
        var (process, address) = (Assert.Single(_kubelet.ReadProcesses(_space.Name, "cut").Values), (await FindAsync("cut"))!.Status.PodIP);
        string[] askApi = ["bash", "-c", "exec 3<>/dev/tcp/$KUBERNETES_SERVICE_HOST/$KUBERNETES_SERVICE_PORT"];
        await _kubelet.ExecAsync(_space.Name, "cut", askApi, Token);

        await OrSkipAsync(async () =>
        {
            await _kubelet.CutNodeAsync(Token);
            return true;
        });
        await Assert.ThrowsAsync<TimeoutException>(() =>
            _http.GetStringAsync(new Uri($"http://{address}:8080/"), Token).WaitAsync(TimeSpan.FromSeconds(1), Token)
        );
        await Assert.ThrowsAsync<InvalidOperationException>(() => _kubelet.ExecAsync(_space.Name, "cut", ["timeout", "1", .. askApi], Token));
        for (var i = 0; i < 3; i++)
            await _kubelet.ExecAsync(_space.Name, "cut", ["bash", "-c", "sleep 1; exec 3<>/dev/tcp/$IP/8080"], Token);

        await _kubelet.NodeReadyAsync(Token);
        Assert.Equal("hello", await _http.GetStringAsync(new Uri($"http://{address}:8080/"), Token));
        Assert.Equal(process, Assert.Single(_kubelet.ReadProcesses(_space.Name, "cut").Values));
    }

    [Fact]
    public async Task FakePods_FiveHundred_AreReadyAndGoAgain()
    {
        await using var space = await _cluster.CreateNamespaceAsync("fake", Token);
        await using var kubelet = await ProcessKubelet.StartAsync(_cluster, new ProcessKubeletOptions { Namespaces = [space.Name], Fake = true }, Token);
        await _client.AppsV1.CreateNamespacedDeploymentAsync(Samples.Deployment("many", 500), space.Name, cancellationToken: Token);

        await Eventually.HoldsAsync(async () => await ReadyAsync() == 500, "all are ready");
        await _client.AppsV1.PatchNamespacedDeploymentScaleAsync(
            new V1Patch("""{"spec": {"replicas": 0}}""", V1Patch.PatchType.MergePatch),
            "many",
            space.Name,
            cancellationToken: Token
        );
        await Eventually.HoldsAsync(
            async () => (await _client.CoreV1.ListNamespacedPodAsync(space.Name, cancellationToken: Token)).Items.Count == 0,
            "all are gone"
        );

        async Task<int> ReadyAsync() =>
            (await _client.AppsV1.ReadNamespacedDeploymentAsync("many", space.Name, cancellationToken: Token)).Status.ReadyReplicas ?? 0;
    }

    private static V1EnvVar OwnAddress =>
        new()
        {
            Name = "IP",
            ValueFrom = new V1EnvVarSource { FieldRef = new V1ObjectFieldSelector { FieldPath = "status.podIP" } },
        };

    // Whether a pod's container was in a state since a version of the pod. Waits for the first time.
    private async Task<bool> WasSeenAsync(string pod, string version, Func<V1ContainerStatus, bool> isWanted)
    {
        var changes = _client.CoreV1.WatchListNamespacedPodAsync(
            _space.Name,
            fieldSelector: $"metadata.name={pod}",
            resourceVersion: version,
            timeoutSeconds: 300,
            cancellationToken: Token
        );
        await foreach (var (_, changed) in changes)
        {
            if (changed.Status.ContainerStatuses?.Any(isWanted) == true)
                return true;
        }

        return false;
    }

    private Task<V1Pod> CreateAsync(V1Pod pod) => _client.CoreV1.CreateNamespacedPodAsync(pod, _space.Name, cancellationToken: Token);

    private async Task<V1Pod?> FindAsync(string name)
    {
        try
        {
            return await _client.CoreV1.ReadNamespacedPodAsync(name, _space.Name, cancellationToken: Token);
        }
        catch (HttpOperationException e) when (e.Response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    private async Task<V1ContainerStatus?> StatusAsync(string name) => (await FindAsync(name))?.Status.ContainerStatuses?.FirstOrDefault();

    private Task RunsAsync(string name) => Eventually.HoldsAsync(async () => (await StatusAsync(name))?.State.Running is not null, "it runs");

    private async Task<IList<V1Pod>> PodsAsync(string application) =>
        (await _client.CoreV1.ListNamespacedPodAsync(_space.Name, labelSelector: $"app={application}", cancellationToken: Token)).Items;

    private async Task<V1Pod> ReadyPodAsync(string application, Func<V1Pod, bool> matches)
    {
        V1Pod? found = null;
        await Eventually.HoldsAsync(
            async () =>
                (found = (await PodsAsync(application)).FirstOrDefault(pod => matches(pod) && pod.Status.ContainerStatuses?[0].Ready == true)) is not null,
            "a pod is ready"
        );
        return found!;
    }
}
