using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using k8s;
using k8s.Models;
using UrlShortener.TestServers.Kubernetes.Kubelet;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Kubernetes.Services;

/// <summary>
/// A Service's port on 127.0.0.1, in the place of kube-proxy: each connection goes to a pod that is ready, one after the other. Which these are it finds by
/// the Service's selector, since endpoints of Services may not have loopback addresses. A connection to a pod that is gone is broken, as it would be.
/// </summary>
public sealed class ServiceProxy : IAsyncDisposable
{
    private const int BufferSize = 16 * 1024;
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(5);

    private readonly ServiceTarget _target;
    private readonly IKubernetes _client;
    private readonly CancellationTokenSource _end = new();
    private readonly Socket _listener;
    private readonly ConcurrentDictionary<Task, bool> _connections = new();
    private readonly ConcurrentDictionary<string, V1Pod> _pods = new();
    private readonly Task _following;
    private readonly Task _accepting;
    private uint _next;

    private ServiceProxy(IKubernetes client, ServiceTarget target)
    {
        _client = client;
        _target = target;
        Port = Ports.Take();
        _listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _listener.Bind(Ports.EndPointOf(Port));
        _listener.Listen();
        _following = Watches.Pods(client, target.Namespace, target.Selector).RunAsync(Replace, Change, _ => Task.CompletedTask, _end.Token);
        _accepting = AcceptAsync();
    }

    /// <summary>The port on 127.0.0.1; it stays the same.</summary>
    public int Port { get; }

    /// <summary>The address for HTTP clients.</summary>
    public Uri Address => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}/"));

    /// <summary>Where connections go now.</summary>
    public IReadOnlyList<IPEndPoint> EndPoints => [.. _pods.Values.Where(ServiceTarget.IsReady).Select(_target.EndPointOf)];

    /// <summary>Opens a port for a Service, which exists and has a selector.</summary>
    public static async Task<ServiceProxy> StartAsync(
        KubernetesCluster cluster,
        string namespaceName,
        string service,
        IntOrString port,
        CancellationToken cancellationToken
    )
    {
        var client = cluster.CreateDirectClient();
        try
        {
            return new ServiceProxy(client, await ServiceTarget.FindAsync(client, namespaceName, service, port, cancellationToken));
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>Waits up to five minutes until so many pods are ready.</summary>
    public Task WaitUntilReadyAsync(int count, CancellationToken cancellationToken) =>
        Poll.UntilAsync(
            $"{count} pods of the Service {_target.Namespace}/{_target.Service} are ready",
            TimeSpan.FromMinutes(5),
            _ => Task.FromResult(EndPoints.Count == count ? null : $"{EndPoints.Count}"),
            cancellationToken
        );

    /// <summary>Breaks all connections and gives the port up.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_end.IsCancellationRequested)
            return;
        await _end.CancelAsync();
        _listener.Dispose();
        await _accepting;
        try
        {
            await _following;
        }
        catch (OperationCanceledException)
        {
            // As it was told.
        }

        await Task.WhenAll(_connections.Keys);
        _client.Dispose();
        _end.Dispose();
    }

    private void Replace(IList<V1Pod> pods)
    {
        var names = pods.Select(pod => pod.Metadata.Name).ToHashSet();
        foreach (var pod in pods)
            _pods[pod.Metadata.Name] = pod;
        foreach (var name in _pods.Keys.Where(name => !names.Contains(name)))
            _pods.TryRemove(name, out _);
    }

    private void Change(WatchEventType type, V1Pod pod)
    {
        if (type == WatchEventType.Deleted)
            _pods.TryRemove(pod.Metadata.Name, out _);
        else
            _pods[pod.Metadata.Name] = pod;
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            Socket client;
            try
            {
                client = await _listener.AcceptAsync(_end.Token);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
            {
                // The proxy has ended.
                return;
            }

            var connection = RelayAsync(client);
            _connections[connection] = true;
            _ = connection.ContinueWith(ended => _connections.TryRemove(ended, out _), TaskScheduler.Default);
        }
    }

    private async Task RelayAsync(Socket client)
    {
        await Task.Yield();
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            var endPoints = EndPoints;
            if (endPoints.Count == 0)
                return;
            client.NoDelay = true;
            using (var timed = CancellationTokenSource.CreateLinkedTokenSource(_end.Token))
            {
                timed.CancelAfter(ConnectLimit);
                await server.ConnectAsync(endPoints[(int)(Interlocked.Increment(ref _next) % (uint)endPoints.Count)], timed.Token);
            }

            using var broken = CancellationTokenSource.CreateLinkedTokenSource(_end.Token);
            await Task.WhenAll(PumpAsync(client, server, broken), PumpAsync(server, client, broken));
            client.Close();
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // One side is gone, and the other is told so below.
        }
        finally
        {
            // A reset; nothing where the connection has ended in order.
            client.Close(0);
        }
    }

    /// <summary>Carries bytes one way. When that breaks, the other way has nobody to talk to.</summary>
    private static async Task PumpAsync(Socket from, Socket to, CancellationTokenSource broken)
    {
        var buffer = new byte[BufferSize];
        try
        {
            while (true)
            {
                var length = await from.ReceiveAsync(buffer, broken.Token);
                if (length == 0)
                {
                    to.Shutdown(SocketShutdown.Send);
                    return;
                }

                for (var sent = 0; sent < length; )
                    sent += await to.SendAsync(buffer.AsMemory(sent, length - sent), broken.Token);
            }
        }
        catch
        {
            await broken.CancelAsync();
            throw;
        }
    }
}
