using System.Net;
using System.Net.Sockets;
using UrlShortener.TestServers.Processes;
using Xunit;

namespace UrlShortener.EndToEnd.Cluster.Tests;

/// <summary>
/// The way to Services from outside of the cluster: straight to their address where this machine is a node or has a route (kube-proxy then chooses the pod),
/// else through the API server.
/// </summary>
internal sealed class ServiceAccess : IAsyncDisposable
{
    // Below the ports that the system chooses, and those of Services.
    private const int FirstPort = 10_000;
    private const uint Ports = 20_000;

    private static uint _ports = (uint)Environment.ProcessId;

    private readonly Kubectl _kubectl;
    private readonly ServerProcess? _proxy;
    private readonly Uri? _apiServer;

    private ServiceAccess(Kubectl kubectl, ServerProcess? proxy, Uri? apiServer)
    {
        _kubectl = kubectl;
        _proxy = proxy;
        _apiServer = apiServer;
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Finds the way by the sample region's Service, which must serve.</summary>
    public static async Task<ServiceAccess> StartAsync(Kubectl kubectl, CancellationToken cancellationToken)
    {
        var straight = new ServiceAccess(kubectl, null, null);
        if (await AnswersAsync(await straight.FindAddressAsync(InstalledProduct.Namespace, ServiceName), cancellationToken))
            return straight;
        var (process, address) = await kubectl.StartProxyAsync(cancellationToken);
        return new ServiceAccess(kubectl, process, address);
    }

    /// <summary>Name of the sample region's Service.</summary>
    public const string ServiceName = InstalledProduct.Region + "-app";

    /// <summary>Makes clients of a region's Service in a namespace. They follow no redirects, and come with a new connection every fifth of a second.</summary>
    public async Task<Func<HttpClient>> OpenAsync(string space, string service = ServiceName)
    {
        var address = await FindAddressAsync(space, service);
        return () => NewClient(address);
    }

    public async ValueTask DisposeAsync()
    {
        if (_proxy is not null)
            await _proxy.DisposeAsync();
    }

    private async Task<Uri> FindAddressAsync(string space, string service)
    {
        if (_apiServer is not null)
            return new Uri(_apiServer, $"api/v1/namespaces/{space}/services/http:{service}:http/proxy/");
        var found = await _kubectl.GetAsync($"service/{service}", space, Token);
        return new Uri($"http://{(string)found["spec"]!["clusterIP"]!}:{(int)found["spec"]!["ports"]![0]!["port"]!}/");
    }

    private static async Task<bool> AnswersAsync(Uri address, CancellationToken cancellationToken)
    {
        using var http = NewClient(address);
        http.Timeout = TimeSpan.FromSeconds(3);
        try
        {
            using var response = await http.GetAsync(new Uri("health", UriKind.Relative), cancellationToken);
            return true;
        }
        catch (Exception error) when (error is HttpRequestException || (error is TaskCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return false;
        }
    }

    private static HttpClient NewClient(Uri address) =>
        new(
            new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                UseProxy = false,
                PooledConnectionLifetime = TimeSpan.FromMilliseconds(200),
                ConnectCallback = ConnectAsync,
            }
        )
        {
            BaseAddress = address,
            Timeout = TimeSpan.FromSeconds(20),
        };

    // A connection that a lost node does not answer leaves an entry in the connection tracking of kube-proxy's node for two minutes. What comes from the same
    // port in that time goes to the lost node too, although no rule does any more. Visitors have addresses of their own: here, ports that nobody used before.
    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            while (!TryBind(socket, FirstPort + (int)(Interlocked.Increment(ref _ports) % Ports))) { }
            await socket.ConnectAsync(context.DnsEndPoint, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static bool TryBind(Socket socket, int port)
    {
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
            return true;
        }
        catch (SocketException used) when (used.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            return false;
        }
    }
}
