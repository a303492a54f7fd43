using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using k8s.Models;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>Asks a program whether it is well, or tells it something, in the ways that a pod may name: HTTP, TCP, or a command.</summary>
internal sealed class Probe(V1Container container, string podIp, string? nodeIp, ContainerCommands commands)
{
    private static readonly HttpRequestOptionsKey<string> Source = new("source");

    /// <summary>As a kubelet does it: any certificate will do, nothing is followed, and no connection is kept.</summary>
    private static readonly HttpClient Http = new(
        new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            PooledConnectionLifetime = TimeSpan.Zero,
            SslOptions = AnyCertificate(),
            ConnectCallback = async (connection, token) =>
            {
                connection.InitialRequestMessage.Options.TryGetValue(Source, out var source);
                return new NetworkStream(await OpenAsync(connection.DnsEndPoint.Host, connection.DnsEndPoint.Port, source, token), ownsSocket: true);
            },
        }
    )
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    // Kubernetes defines HTTPS probes so: "the kubelet skips certificate verification", since pods serve certificates of their own making. Only pods of tests
    // are asked, on this machine's own addresses.
#pragma warning disable CA5359
    private static SslClientAuthenticationOptions AnyCertificate() => new() { RemoteCertificateValidationCallback = (_, _, _, _) => true };
#pragma warning restore CA5359

    /// <summary>Asks once.</summary>
    /// <returns>Null when all is well, or what is not.</returns>
    public async Task<string?> AskAsync(V1Probe probe, CancellationToken cancellationToken)
    {
        var limit = TimeSpan.FromSeconds(probe.TimeoutSeconds ?? 1);
        return await DoAsync(probe.HttpGet, probe.TcpSocket, probe.Exec, limit, cancellationToken);
    }

    /// <summary>Does what a lifecycle hook says.</summary>
    /// <returns>Null when it was done, or why not.</returns>
    public async Task<string?> DoAsync(V1LifecycleHandler handler, TimeSpan limit, CancellationToken cancellationToken)
    {
        if (handler.Sleep is not { } sleep)
            return await DoAsync(handler.HttpGet, handler.TcpSocket, handler.Exec, limit, cancellationToken);
        var wanted = TimeSpan.FromSeconds(sleep.Seconds);
        await Task.Delay(wanted < limit ? wanted : limit, cancellationToken);
        return null;
    }

    private async Task<string?> DoAsync(V1HTTPGetAction? http, V1TCPSocketAction? tcp, V1ExecAction? exec, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var timed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timed.CancelAfter(limit);
        try
        {
            return (http, tcp, exec) switch
            {
                ({ } get, _, _) => await GetAsync(get, timed.Token),
                (_, { } socket, _) => await ConnectAsync(socket, timed.Token),
                (_, _, { } command) => await commands.RunAsync(command.Command, limit, timed.Token),
                _ => "The probe is of a kind that process kubelets do not know.",
            };
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException)
        {
            return e.Message;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"no answer within {limit.TotalSeconds} s";
        }
    }

    private async Task<string?> GetAsync(V1HTTPGetAction get, CancellationToken cancellationToken)
    {
        var scheme = string.Equals(get.Scheme, "HTTPS", StringComparison.OrdinalIgnoreCase) ? "https" : "http";
        var path = get.Path is { Length: > 0 } given ? given : "/";
        using var request = new HttpRequestMessage(HttpMethod.Get, $"{scheme}://{get.Host ?? podIp}:{PortOf(get.Port)}{(path[0] == '/' ? "" : "/")}{path}");
        request.Headers.ConnectionClose = true;
        if (nodeIp is not null)
            request.Options.Set(Source, nodeIp);
        request.Headers.TryAddWithoutValidation("User-Agent", "kube-probe/process");
        foreach (var header in get.HttpHeaders ?? [])
            request.Headers.TryAddWithoutValidation(header.Name, header.Value);
        using var answer = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
        return answer.StatusCode is >= HttpStatusCode.OK and < HttpStatusCode.BadRequest
            ? null
            : $"HTTP probe failed with statuscode: {(int)answer.StatusCode}";
    }

    private async Task<string?> ConnectAsync(V1TCPSocketAction tcp, CancellationToken cancellationToken)
    {
        using var socket = await OpenAsync(tcp.Host ?? podIp, PortOf(tcp.Port), nodeIp, cancellationToken);
        return null;
    }

    /// <summary>Connects from the node's own address, which reaches its pods when they are cut off from all others.</summary>
    private static async Task<Socket> OpenAsync(string host, int port, string? source, CancellationToken cancellationToken)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            if (source is not null)
                socket.Bind(new IPEndPoint(IPAddress.Parse(source), 0));
            await socket.ConnectAsync(host, port, cancellationToken);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>A port may be given by the name that the container has for it.</summary>
    private int PortOf(IntOrString port) =>
        int.TryParse(port.ToString(), CultureInfo.InvariantCulture, out var number)
            ? number
            : container.Ports?.FirstOrDefault(one => one.Name == port.ToString())?.ContainerPort ?? 0;
}
