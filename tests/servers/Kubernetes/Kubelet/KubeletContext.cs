using k8s;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>What all pods of a kubelet share.</summary>
internal sealed class KubeletContext(ProcessKubeletOptions options, IKubernetes client, ServerFolder folder, TimeProvider time) : IDisposable
{
    private const int ParallelRequests = 16;
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan RequestLimit = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _requests = new(ParallelRequests);
    private readonly Lock _sync = new();

    /// <summary>Complete while the node reaches the API server. Guarded by <see cref="_sync"/>.</summary>
    private TaskCompletionSource _connected = Completed();

    /// <summary>Complete while the node runs. Guarded by <see cref="_sync"/>.</summary>
    private TaskCompletionSource _powered = Completed();

    public ProcessKubeletOptions Options => options;

    public IKubernetes Client => client;

    public ServerFolder Folder => folder;

    /// <summary>Where the data of claims is.</summary>
    public ClaimFolders Claims { get; } = options.Claims ?? new ClaimFolders(folder.PathOf("claims"));

    /// <summary>The network of the pods; null when they are fake.</summary>
    public NodeNetwork? Network { get; } = options.Fake ? null : new NodeNetwork(Path.GetFileName(folder.FullName));

    /// <summary>The names that pods find each other by.</summary>
    public PodNames Names { get; } = new();

    /// <summary>The clock of conditions and delays.</summary>
    public TimeProvider Time => time;

    /// <summary>Whether the node reaches the API server. While it does not, its pods go on and nobody hears of them.</summary>
    public bool IsConnected
    {
        get
        {
            lock (_sync)
                return _connected.Task.IsCompleted;
        }
        set
        {
            lock (_sync)
                Open(ref _connected, value);
        }
    }

    /// <summary>Whether the node runs. While it does not, no container starts.</summary>
    public bool IsPowered
    {
        set
        {
            lock (_sync)
                Open(ref _powered, value);
        }
    }

    /// <summary>Waits until the node runs.</summary>
    public Task WhilePoweredAsync(CancellationToken cancellationToken)
    {
        lock (_sync)
            return _powered.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Waits until the node reaches the API server.</summary>
    public Task WhileConnectedAsync(CancellationToken cancellationToken)
    {
        lock (_sync)
            return _connected.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Sends a request until it is answered, however often the API server goes away meanwhile. Not many at once.</summary>
    public async Task<T> RequestAsync<T>(Func<CancellationToken, Task<T>> sendAsync, CancellationToken cancellationToken)
    {
        while (true)
        {
            await WhileConnectedAsync(cancellationToken);
            await _requests.WaitAsync(cancellationToken);
            try
            {
                using var timed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                timed.CancelAfter(RequestLimit);
                return await sendAsync(timed.Token);
            }
            catch (Exception e) when (TransientErrors.IsTransient(e, cancellationToken))
            {
                // Again, below.
            }
            finally
            {
                _requests.Release();
            }

            await Task.Delay(RetryPause, cancellationToken);
        }
    }

    public void Dispose() => _requests.Dispose();

    private static void Open(ref TaskCompletionSource gate, bool isOpen)
    {
        if (isOpen)
            gate.TrySetResult();
        else if (gate.Task.IsCompleted)
            gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private static TaskCompletionSource Completed()
    {
        var source = new TaskCompletionSource();
        source.SetResult();
        return source;
    }
}
