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
/// at its end. Not here: limits of resources, images, users, network policies, updates of mounted ConfigMaps, and the placing of pods: the node takes all.
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
        var folder = ServerFolder.Create(onDisk: false);
        var context = new KubeletContext(options, cluster.CreateDirectClient(), folder, cluster.AuthorityPem, TimeProvider.System);
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
        ]);
        return kubelet;
    }

    /// <summary>
    /// Kills a pod's program, or sends it another signal, such as 19 (SIGSTOP) and 18 (SIGCONT): those of all its containers, or of one. SIGKILL ends all
    /// processes of a container, others reach its first one alone.
    /// </summary>
    public Task KillPodAsync(string namespaceName, string name, int signal = Signals.Kill, string? container = null) =>
        Worker(namespaceName, name).SignalAsync(container, signal);

    /// <summary>Numbers of the first process of each container that runs, by the containers' names.</summary>
    public IReadOnlyDictionary<string, int> ReadProcesses(string namespaceName, string name) => Worker(namespaceName, name).ReadProcesses();

    /// <summary>The end of what a container has written, also after its pod is gone.</summary>
    public string ReadLog(string namespaceName, string name, string container) =>
        File.ReadAllText(Path.Combine(_context.Folder.PathOf("logs"), $"{namespaceName}_{name}_{container}.log"));

    /// <summary>
    /// Cuts the node off: its pods go on, and it tells and hears nothing of them any more. The node and its pods show as not ready at once, as the
    /// controllers make them after their time of grace, so that nobody needs to wait for that.
    /// </summary>
    public async Task NodeNotReadyAsync(CancellationToken cancellationToken)
    {
        _context.IsConnected = false;
        await _node.WriteStatusAsync("Unknown", cancellationToken);
        await _node.MarkPodsAsync(ready: false, cancellationToken);
    }

    /// <summary>Connects the node again.</summary>
    public async Task NodeReadyAsync(CancellationToken cancellationToken)
    {
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
        new PodWatch(_context.Client, namespaceName, null).RunAsync(
            pods =>
            {
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

    private void Take(V1Pod pod)
    {
        var uid = pod.Metadata.Uid;
        if (string.IsNullOrEmpty(pod.Spec.NodeName))
        {
            if (pod.Metadata.DeletionTimestamp is null)
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
