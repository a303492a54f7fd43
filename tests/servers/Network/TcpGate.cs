using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Network;

/// <summary>
/// A relay on a port of its own in front of one server of this machine, by which the server is cut off from those who come through it, while it stays
/// reachable directly. It holds at most 16 KB per connection and direction; beyond that the sender waits.
/// </summary>
public sealed class TcpGate : IAsyncDisposable
{
    private const int BufferSize = 16 * 1024;
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _end = new();
    private readonly ConcurrentDictionary<Relay, Task> _relays = new();
    private readonly Lock _sync = new();
    private volatile IPEndPoint _target;
    private long _delayTicks;

    /// <summary>Guarded by <see cref="_sync"/>, as all below.</summary>
    private TcpGateMode _mode = TcpGateMode.Closed;
    private Socket? _listener;
    private Task _accepting = Task.CompletedTask;

    /// <summary>Complete while bytes may pass.</summary>
    private TaskCompletionSource _passing = NewPassing();

    /// <summary>Opens a gate to a port of 127.0.0.1.</summary>
    public TcpGate(int targetPort)
    {
        _target = Ports.EndPointOf(targetPort);
        Port = Ports.Take();
        Mode = TcpGateMode.Open;
    }

    /// <summary>The gate's own port on 127.0.0.1; the same in every mode.</summary>
    public int Port { get; }

    /// <summary>The port on 127.0.0.1 behind the gate. A change is in force for connections that are made from then on.</summary>
    public int TargetPort
    {
        get => _target.Port;
        set => _target = Ports.EndPointOf(value);
    }

    /// <summary>Connections that the gate holds now.</summary>
    public int Connections => _relays.Count;

    /// <summary>How long each piece of at most 16 KB is held before it passes, in both directions, one piece at a time: the server is slow.</summary>
    public TimeSpan Delay
    {
        get => new(Interlocked.Read(ref _delayTicks));
        set => Interlocked.Exchange(ref _delayTicks, value.Ticks);
    }

    /// <summary>What the gate does. A change is in force when the setter returns.</summary>
    public TcpGateMode Mode
    {
        get
        {
            lock (_sync)
                return _mode;
        }
        set
        {
            lock (_sync)
            {
                ObjectDisposedException.ThrowIf(_end.IsCancellationRequested, this);
                if (value == _mode)
                    return;
                _mode = value;
                if (value == TcpGateMode.Closed)
                {
                    Close();
                    return;
                }

                Listen();
                if (value == TcpGateMode.Open)
                    _passing.TrySetResult();
                else if (_passing.Task.IsCompleted)
                    _passing = NewPassing();
            }
        }
    }

    /// <summary>Resets all connections and gives the port up.</summary>
    public async ValueTask DisposeAsync()
    {
        Task accepting;
        lock (_sync)
        {
            if (_end.IsCancellationRequested)
                return;
            _end.Cancel();
            Close();
            accepting = _accepting;
        }

        await accepting;
        await Task.WhenAll(_relays.Values);
        _end.Dispose();
    }

    private static TaskCompletionSource NewPassing() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Listen()
    {
        if (_listener is not null)
            return;
        _listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        // Connections of an earlier listener may still be on their way out.
        _listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        _listener.Bind(Ports.EndPointOf(Port));
        _listener.Listen();
        _accepting = AcceptAsync(_listener, _accepting);
    }

    private void Close()
    {
        _listener?.Dispose();
        _listener = null;
        // Those that wait for the gate to open wait no longer.
        _passing.TrySetCanceled();
        _passing = NewPassing();
        foreach (var relay in _relays.Keys)
            relay.Dispose();
    }

    private async Task AcceptAsync(Socket listener, Task earlier)
    {
        await earlier;
        while (true)
        {
            Socket client;
            try
            {
                client = await listener.AcceptAsync(CancellationToken.None);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The gate was closed.
                return;
            }

            lock (_sync)
            {
                var relay = new Relay(this, client);
                if (_listener != listener)
                    relay.Dispose();
                else
                    _relays[relay] = RunAsync(relay);
            }
        }
    }

    private async Task RunAsync(Relay relay)
    {
        // First let the caller note the relay, since this removes it.
        await Task.Yield();
        try
        {
            await relay.RunAsync(_end.Token);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // One side is gone, and the other is told in the way that TCP has for it.
        }
        finally
        {
            relay.Dispose();
            _relays.TryRemove(relay, out _);
        }
    }

    private Task WhilePassingAsync(CancellationToken cancellationToken)
    {
        lock (_sync)
        {
            return _mode == TcpGateMode.Closed ? Task.FromCanceled(new CancellationToken(canceled: true)) : _passing.Task.WaitAsync(cancellationToken);
        }
    }

    /// <summary>One client's connection, and the one to the server that belongs to it.</summary>
    private sealed class Relay(TcpGate gate, Socket client) : IDisposable
    {
        private readonly Socket _server = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

        public async Task RunAsync(CancellationToken cancellationToken)
        {
            client.NoDelay = true;
            await gate.WhilePassingAsync(cancellationToken);
            using (var timed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken))
            {
                timed.CancelAfter(ConnectLimit);
                await _server.ConnectAsync(gate._target, timed.Token);
            }

            var up = PumpAsync(client, _server, cancellationToken);
            var down = PumpAsync(_server, client, cancellationToken);
            try
            {
                // When one direction breaks, the other has nobody to talk to.
                await await Task.WhenAny(up, down);
            }
            catch
            {
                Dispose();
                throw;
            }
            finally
            {
                await Task.WhenAll(up, down);
            }
        }

        /// <summary>Ends both connections with a reset. May be called at any time, and more than once.</summary>
        public void Dispose()
        {
            client.Close(0);
            _server.Close(0);
        }

        private async Task PumpAsync(Socket from, Socket to, CancellationToken cancellationToken)
        {
            var buffer = new byte[BufferSize];
            while (true)
            {
                await gate.WhilePassingAsync(cancellationToken);
                var length = await from.ReceiveAsync(buffer, cancellationToken);
                if (gate.Delay is var delay && delay > TimeSpan.Zero)
                    await Task.Delay(delay, cancellationToken);
                // The gate may have been shut while this waited for bytes.
                await gate.WhilePassingAsync(cancellationToken);
                if (length == 0)
                {
                    to.Shutdown(SocketShutdown.Send);
                    return;
                }

                for (var sent = 0; sent < length; )
                    sent += await to.SendAsync(buffer.AsMemory(sent, length - sent), cancellationToken);
            }
        }
    }
}
