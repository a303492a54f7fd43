using System.Threading.Channels;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>Wakes one waiter; calls while nobody waits count as one.</summary>
internal sealed class Pulse
{
    private readonly Channel<bool> _channel = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    /// <summary>Wakes the waiter, or lets the next one not wait.</summary>
    public void Set() => _channel.Writer.TryWrite(true);

    /// <summary>Waits for <see cref="Set"/>.</summary>
    public async Task WaitAsync(CancellationToken cancellationToken) => await _channel.Reader.ReadAsync(cancellationToken);
}
