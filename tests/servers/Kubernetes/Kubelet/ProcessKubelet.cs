using System.Collections.Concurrent;
using System.Net;
using k8s;
using k8s.Autorest;
using k8s.Models;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>
/// A node whose pods are processes of this machine. It binds pods to itself, as a scheduler does, gives each an address of 127/8 of its own (a new one to
/// each new pod), and runs the program that the test names for each container: with environment and volumes, probes, restarts, hooks, and the time of grace
/// at its end. A container has its own processes, host name and file system: this machine's files, of which it changes a copy of its own, and its volumes at
/// their mount paths. Pods find each other by the names that a cluster's DNS would answer, without its delays; of a Service with a cluster address it has
/// those of its pods. Changes of mounted ConfigMaps and Secrets arrive at once. Claims are bound, and grow when they may. Not here: networks of their own (what
/// listens must listen on the pod's address alone), limits of resources, images, network policies, and the placing of pods: the node takes all, or those that
/// the test chooses.
/// Processes end with this one, whichever way it ends.
/// <example>
/// <code>
/// await using var kubelet = await ProcessKubelet.StartAsync(
///     cluster,
///     new() { Namespaces = [space.Name], Program = launch => launch.Image == "redis:7" ? launch.Run("redis-server", "--bind", launch.PodIp) : null },
///     token);
/// </code>
/// </example>
/// </summary>
public sealed class ProcessKubelet : IAsyncDisposable
{
    private static readonly TimeSpan ExecLimit = TimeSpan.FromMinutes(1);

    private readonly KubeletContext _context;
    private readonly FakeNode _node;
    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentDictionary<string, PodWorker> _workers = new();
    private readonly ConcurrentDictionary<string, string> _fakeAddresses = new();

    /// <summary>Tasks of pods, by their identifiers; those that have ended in order are removed.</summary>
    private readonly ConcurrentDictionary<string, Task> _tasks = new();
    private Task _running = Task.CompletedTask;

    private ProcessKubelet(KubeletContext context)
    {
        _context = context;
        _node = new FakeNode(context);
    }

    /// <summary>The node's name.</summary>
    public string NodeName => _context.Options.NodeName;

    /// <summary>Registers a node, and returns when it is ready. Pods that wait are taken after that.</summary>
    public static async Task<ProcessKubelet> StartAsync(KubernetesCluster cluster, ProcessKubeletOptions options, CancellationToken cancellationToken)
    {
        if (!options.Fake)
            await ContainerNamespaces.RequireAsync(cancellationToken);
        var folder = ServerFolder.Create(onDisk: false);
        var context = new KubeletContext(options, cluster.CreateDirectClient(), folder, TimeProvider.System);
        var kubelet = new ProcessKubelet(context);
        try
        {
            await kubelet._node.RegisterAsync(cancellationToken);
        }
        catch
        {
            await kubelet.DisposeAsync();
            throw;
        }

        string?[] namespaces = options.Namespaces.Count == 0 ? [null] : [.. options.Namespaces];
        kubelet._running = Task.WhenAll([
            kubelet._node.BeatAsync(kubelet._end.Token),
            .. namespaces.Select(one => kubelet.FollowAsync(one, kubelet._end.Token)),
            .. options.Fake ? [] : namespaces.Select(one => kubelet.FollowSurroundingsAsync(one, kubelet._end.Token)),
        ]);
        return kubelet;
    }

    /// <summary>
    /// Kills a pod's program, or sends it another signal, such as 19 (SIGSTOP) and 18 (SIGCONT): those of all its containers, or of one. SIGKILL ends all
    /// processes of a container, others reach its first one alone.
    /// </summary>
    public Task KillPodAsync(string namespaceName, string name, int signal = Signals.Kill, string? container = null) =>
        Worker(namespaceName, name).SignalAsync(container, signal);

    /// <summary>
    /// Sends a signal to those processes of a pod that go by a name, such as <c>patroni</c> or <c>postgres</c>, in all its containers or in one. With 19
    /// (SIGSTOP) it returns when they stand still.
    /// </summary>
    /// <exception cref="InvalidOperationException">There is no such process.</exception>
    public async Task SignalProcessesAsync(string namespaceName, string name, string process, int signal, string? container = null)
    {
        var found = Worker(namespaceName, name).ReadAllProcesses(container).Where(one => ProcFiles.HasName(one, process)).ToList();
        if (found.Count == 0)
            throw new InvalidOperationException($"No process {process} runs in pod {namespaceName}/{name}.");
        foreach (var one in found)
            Signals.Send(one, signal);
        if (signal == Signals.Stop)
            await Poll.UntilAsync($"{process} stands still", ExecLimit, _ => Task.FromResult(found.All(ProcFiles.IsStill) ? null : "it runs"), default);
    }

    /// <summary>Runs a command in a pod, in its first container or in one, and returns what it wrote. It has 30 seconds.</summary>
    /// <exception cref="InvalidOperationException">The container does not run, or the command failed.</exception>
    public async Task<string> ExecAsync(
        string namespaceName,
        string name,
        IReadOnlyList<string> command,
        CancellationToken cancellationToken,
        string? container = null
    )
    {
        var commands =
            Worker(namespaceName, name).FindCommands(container)
            ?? throw new InvalidOperationException($"The container {container} of pod {namespaceName}/{name} does not run.");
        var (code, output) = await commands.ExecuteAsync(command, ExecLimit, cancellationToken);
        return code == 0 ? output : throw new InvalidOperationException($"{string.Join(' ', command)} ended with exit code {code}:\n{output}");
    }

    /// <summary>Empties the volume of a claim, as the loss of a disk does. Its pod should not run.</summary>
    public async Task WipeClaimAsync(string namespaceName, string claim, CancellationToken cancellationToken) =>
        _context.Claims.Wipe(await _context.Client.CoreV1.ReadNamespacedPersistentVolumeClaimAsync(claim, namespaceName, cancellationToken: cancellationToken));

    /// <summary>Numbers of the first process of each container that runs, by the containers' names.</summary>
    public IReadOnlyDictionary<string, int> ReadProcesses(string namespaceName, string name) => Worker(namespaceName, name).ReadProcesses();

    /// <summary>What a container has written, also after its pod is gone; nothing if it has not been started.</summary>
    public string ReadLog(string namespaceName, string name, string container)
    {
        var path = Path.Combine(_context.Folder.PathOf("logs"), $"{namespaceName}_{name}_{container}.log");
        return File.Exists(path) ? File.ReadAllText(path) : "";
    }

    /// <summary>
    /// Cuts the kubelet off: its pods go on and reach each other, and it tells and hears nothing of them any more. The node and its pods show as not ready at once, as the
    /// controllers make them after their time of grace, so that nobody needs to wait for that.
    /// </summary>
    public async Task NodeNotReadyAsync(CancellationToken cancellationToken)
    {
        _context.IsConnected = false;
        await _node.WriteStatusAsync("Unknown", cancellationToken);
        await _node.MarkPodsAsync(ready: false, cancellationToken);
    }

    /// <summary>Why the node cannot be cut off on this machine; null: it can.</summary>
    public Task<string?> FindObstacleToCutAsync(CancellationToken cancellationToken) => _context.Network!.FindObstacleAsync(cancellationToken);

    /// <summary>
    /// Cuts the node and its pods off from everything else, silently: packets are dropped between its pods and all others, the API server too. Among each other,
    /// and with commands that run in them, they go on. It shows as not ready at once, as with <see cref="NodeNotReadyAsync"/>.
    /// </summary>
    /// <exception cref="ServerUnavailableException">This machine has not what it takes.</exception>
    public async Task CutNodeAsync(CancellationToken cancellationToken)
    {
        var pods = _workers.Values.ToList();
        await _context.Network!.CutAsync([.. pods.Select(pod => pod.Address)], pods.SelectMany(pod => pod.ReadAllProcesses(null)), cancellationToken);
        await NodeNotReadyAsync(cancellationToken);
    }

    /// <summary>
    /// Kills the node: all processes end at once, nothing starts again, and nobody is told. It shows as not ready at once, as with
    /// <see cref="NodeNotReadyAsync"/>.
    /// </summary>
    public async Task KillNodeAsync(CancellationToken cancellationToken)
    {
        _context.IsConnected = false;
        _context.IsPowered = false;
        await Task.WhenAll(_workers.Values.Select(worker => worker.SignalAsync(null, Signals.Kill)));
        await NodeNotReadyAsync(cancellationToken);
    }

    /// <summary>Connects the node and its pods again, and starts it when it was killed: its containers start again.</summary>
    public async Task NodeReadyAsync(CancellationToken cancellationToken)
    {
        _context.IsPowered = true;
        if (_context.Network is { } network)
            await network.HealAsync();
        await _node.WriteStatusAsync("True", cancellationToken);
        _context.IsConnected = true;
        if (_context.Options.Fake)
            await _node.MarkPodsAsync(ready: true, cancellationToken);
        foreach (var worker in _workers.Values)
            worker.Changed();
    }

    /// <summary>Kills all pods' processes and removes the node. The pods' objects stay.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_end.IsCancellationRequested)
            return;
        await _end.CancelAsync();
        try
        {
            await _running;
        }
        catch (OperationCanceledException)
        {
            // As it was told.
        }

        var pods = Task.WhenAll(_tasks.Values);
        await Task.WhenAny(pods);
        await _node.UnregisterAsync(CancellationToken.None);
        if (_context.Network is { } network)
            await network.DisposeAsync();
        await ClaimProvisioner.ReleaseAsync(_context, CancellationToken.None);
        _context.Client.Dispose();
        _context.Dispose();
        _context.Folder.Delete();
        _end.Dispose();
        // What went wrong in a pod's task and is no plan of a test.
        await pods;
    }

    private PodWorker Worker(string namespaceName, string name) =>
        _workers.Values.FirstOrDefault(one => one.Name == name && one.Namespace == namespaceName)
        ?? throw new InvalidOperationException($"No pod {namespaceName}/{name} runs on node {NodeName}.");

    private Task FollowAsync(string? namespaceName, CancellationToken cancellationToken) =>
        Watches
            .Pods(_context.Client, namespaceName)
            .RunAsync(
                pods =>
                {
                    if (!_context.Options.Fake)
                        _context.Names.Replace(namespaceName, pods);
                    var seen = pods.Select(pod => pod.Metadata.Uid).ToHashSet();
                    foreach (var pod in pods)
                        Take(pod);
                    foreach (var (uid, worker) in _workers)
                    {
                        if (!seen.Contains(uid) && (namespaceName is null || worker.Namespace == namespaceName))
                            worker.Remove();
                    }
                },
                (type, pod) =>
                {
                    if (!_context.Options.Fake)
                        _context.Names.Change(type, pod);
                    if (type != WatchEventType.Deleted)
                    {
                        Take(pod);
                        return;
                    }

                    _fakeAddresses.TryRemove(pod.Metadata.Uid, out _);
                    if (_workers.TryGetValue(pod.Metadata.Uid, out var worker))
                        worker.Remove();
                },
                _context.WhileConnectedAsync,
                cancellationToken
            );

    /// <summary>Follows what pods depend on: names, the contents of volumes, and claims.</summary>
    private Task FollowSurroundingsAsync(string? namespaceName, CancellationToken cancellationToken)
    {
        var provisioner = new ClaimProvisioner(_context);
        return Task.WhenAll(
            Watches
                .Services(_context.Client, namespaceName)
                .RunAsync(services => _context.Names.Replace(namespaceName, services), _context.Names.Change, _context.WhileConnectedAsync, cancellationToken),
            FollowAsync(Watches.ConfigMaps(_context.Client, namespaceName), V1ConfigMap.KubeKind),
            FollowAsync(Watches.Secrets(_context.Client, namespaceName), V1Secret.KubeKind),
            Watches
                .Claims(_context.Client, namespaceName)
                .RunAsync(
                    claims =>
                    {
                        foreach (var claim in claims)
                            Start($"claim-{claim.Metadata.Uid}-{claim.Metadata.ResourceVersion}", () => provisioner.ServeAsync(claim, cancellationToken));
                    },
                    (type, claim) =>
                    {
                        if (type == WatchEventType.Deleted)
                            _context.Claims.Remove(claim);
                        else
                            Start($"claim-{claim.Metadata.Uid}-{claim.Metadata.ResourceVersion}", () => provisioner.ServeAsync(claim, cancellationToken));
                    },
                    _context.WhileConnectedAsync,
                    cancellationToken
                )
        );

        // What was there before the pods is mounted as it is.
        Task FollowAsync<T>(ObjectWatch<T> watch, string kind)
            where T : IKubernetesObject<V1ObjectMeta> =>
            watch.RunAsync(
                _ =>
                {
                    foreach (var worker in _workers.Values.Where(one => namespaceName is null || one.Namespace == namespaceName))
                        worker.SourceChanged(null);
                },
                (_, entity) =>
                {
                    foreach (var worker in _workers.Values.Where(one => one.Namespace == entity.Metadata.NamespaceProperty))
                        worker.SourceChanged((kind, entity.Metadata.Name));
                },
                _context.WhileConnectedAsync,
                cancellationToken
            );
    }

    private void Take(V1Pod pod)
    {
        var uid = pod.Metadata.Uid;
        if (string.IsNullOrEmpty(pod.Spec.NodeName))
        {
            if (pod.Metadata.DeletionTimestamp is null && _context.Options.Takes(pod))
                Start($"bind-{uid}", () => BindAsync(pod, _end.Token));
        }
        else if (pod.Spec.NodeName != NodeName)
        {
            // Another node's.
        }
        else if (_context.Options.Fake)
        {
            if (pod.Metadata.DeletionTimestamp is not null)
                Start($"delete-{uid}", () => PodObject.DeleteAsync(_context, pod, _end.Token));
            else if (pod.Status.Phase == "Pending")
                Start($"run-{uid}", () => PodObject.WriteStatusAsync(_context, pod, FakeStatus(pod), _end.Token));
        }
        else if (_workers.TryGetValue(uid, out var worker))
        {
            worker.Update(pod);
        }
        else if (!_tasks.ContainsKey(uid))
        {
            worker = _workers[uid] = new PodWorker(_context, pod, _end.Token);
            Start(uid, worker.RunAsync);
        }
    }

    // An event from before the status was written writes it once more, which must not give the pod a second address.
    private V1PodStatus FakeStatus(V1Pod pod) =>
        FakePod.BuildStatus(
            pod,
            _context.Options.FakeAddress ?? _fakeAddresses.GetOrAdd(pod.Metadata.Uid, static _ => PodAddresses.TakeFake()),
            _context.Time.GetUtcNow().UtcDateTime
        );

    /// <summary>Runs the only task of a key. One that fails stays, and is told of at the end.</summary>
    private void Start(string key, Func<Task> runAsync)
    {
        var source = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (_tasks.TryAdd(key, source.Task))
            _ = RunAsync();

        async Task RunAsync()
        {
            await Task.Yield();
            try
            {
                await runAsync();
                source.SetResult();
                _workers.TryRemove(key, out _);
                _tasks.TryRemove(key, out _);
            }
            catch (OperationCanceledException) when (_end.IsCancellationRequested)
            {
                source.SetResult();
            }
            catch (Exception e)
            {
                source.SetException(e);
            }
        }
    }

    private async Task BindAsync(V1Pod pod, CancellationToken cancellationToken)
    {
        var binding = new V1Binding
        {
            Metadata = new V1ObjectMeta { Name = pod.Metadata.Name, Uid = pod.Metadata.Uid },
            Target = new V1ObjectReference
            {
                ApiVersion = "v1",
                Kind = "Node",
                Name = NodeName,
            },
        };
        await _context.RequestAsync(
            async token =>
            {
                try
                {
                    await _context.Client.CoreV1.CreateNamespacedPodBindingAsync(
                        binding,
                        pod.Metadata.Name,
                        pod.Metadata.NamespaceProperty,
                        cancellationToken: token
                    );
                }
                catch (HttpOperationException e) when (e.Response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.Conflict)
                {
                    // It is gone, or another node was faster.
                }

                return true;
            },
            cancellationToken
        );
    }
}
