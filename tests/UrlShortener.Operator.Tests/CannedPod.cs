using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Tests;

/// <summary>Answers each request on the runtime's port, at an address of its own, with the same bytes, and records what it was asked.</summary>
internal sealed class CannedPod : IAsyncDisposable
{
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _end = new();
    private readonly byte[] _answer;
    private readonly List<string> _requests = [];
    private readonly Task _serving;

    /// <summary>Starts to answer.</summary>
    /// <param name="answer">The bytes.</param>
    /// <param name="address">The address; null: one that nothing else has.</param>
    public CannedPod(string answer, string? address = null)
    {
        _answer = Encoding.Latin1.GetBytes(answer);
        Address = address ?? $"127.{RandomNumberGenerator.GetInt32(1, 255)}.{RandomNumberGenerator.GetInt32(256)}.{RandomNumberGenerator.GetInt32(1, 255)}";
        _listener.Bind(new IPEndPoint(IPAddress.Parse(Address), RuntimePod.Port));
        _listener.Listen();
        _serving = ServeAsync();
    }

    /// <summary>The address.</summary>
    public string Address { get; }

    /// <summary>The heads of all requests.</summary>
    public IReadOnlyList<string> Requests
    {
        get
        {
            lock (_requests)
                return [.. _requests];
        }
    }

    public async ValueTask DisposeAsync()
    {
        // A test may end it before it ends itself.
        if (_end.IsCancellationRequested)
            return;
        await _end.CancelAsync();
        _listener.Dispose();
        await _serving;
        _end.Dispose();
    }

    private async Task ServeAsync()
    {
        var answers = new List<Task>();
        try
        {
            while (true)
            {
                // Side by side: a client may open connections before it has a request for them.
                answers.Add(AnswerAsync(await _listener.AcceptAsync(_end.Token)));
                answers.RemoveAll(answer => answer.IsCompletedSuccessfully);
            }
        }
        catch (Exception error) when (_end.IsCancellationRequested && error is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // The test has ended.
        }

        await Task.WhenAll(answers);
    }

    private async Task AnswerAsync(Socket accepted)
    {
        using var connection = accepted;
        try
        {
            var buffer = new byte[16 * 1024];
            var count = await connection.ReceiveAsync(buffer, _end.Token);
            if (count == 0)
                return;
            lock (_requests)
                _requests.Add(Encoding.Latin1.GetString(buffer, 0, count));
            await connection.SendAsync(_answer, _end.Token);
            connection.Shutdown(SocketShutdown.Send);
            // Until the client has read it: closing with bytes left to read would reset the connection.
            while (await connection.ReceiveAsync(buffer, _end.Token) > 0) { }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException)
        {
            // The test has ended, or the client has.
        }
    }
}
