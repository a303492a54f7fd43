using k8s;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>What all pods of a kubelet share.</summary>
internal sealed class KubeletContext(ProcessKubeletOptions options, IKubernetes client, ServerFolder folder, string authority, TimeProvider time) : IDisposable
{
    private const int ParallelRequests = 16;
    private static readonly TimeSpan RetryPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan RequestLimit = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _requests = new(ParallelRequests);
    private readonly Lock _sync = new();

    /// <summary>Complete while the node reaches the API server. Guarded by <see cref="_sync"/>.</summary>
    private TaskCompletionSource _connected = Completed();

    public ProcessKubeletOptions Options => options;

    public IKubernetes Client => client;

    public ServerFolder Folder => folder;

    /// <summary>Certificate of the authority that clients of the API server trust.</summary>
    public string Authority => authority;

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
            {
                if (value)
                    _connected.TrySetResult();
                else if (_connected.Task.IsCompleted)
                    _connected = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }
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
            catch (Exception e) when (PodWatch.IsTransient(e, cancellationToken))
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

    private static TaskCompletionSource Completed()
    {
        var source = new TaskCompletionSource();
        source.SetResult();
        return source;
    }
}
