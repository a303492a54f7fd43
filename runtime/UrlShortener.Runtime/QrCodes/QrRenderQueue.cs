using System.Threading.Channels;
using Prometheus;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.QrCodes;

/// <summary>
/// Draws pictures away from the threads that answer requests: on few threads of low priority, so that redirects go first on busy cores. What waits is
/// bounded; a caller beyond that is told at once. A picture that several wait for is drawn once.
/// </summary>
internal sealed class QrRenderQueue(QrCodeCache cache) : IHostedService
{
    /// <summary>Most pictures that wait. Drawing one takes some milliseconds, so the last of them waits less than a second on an idle core.</summary>
    public const int Capacity = 64;

    private readonly Channel<Render> _waiting = Channel.CreateBounded<Render>(Capacity);
    private Thread[] _threads = [];

    /// <summary>Draws a picture and keeps it in memory.</summary>
    /// <returns>The file; null when too many wait.</returns>
    public async Task<byte[]?> RenderAsync(string etag, string content, QrSpec spec, CancellationToken cancellationToken)
    {
        var render = new Render(etag, content, spec, new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously), cancellationToken);
        return _waiting.Writer.TryWrite(render) ? await render.Completion.Task : null;
    }

    /// <inheritdoc />
    public Task StartAsync(CancellationToken cancellationToken)
    {
        // A quarter of the cores: a flood of new pictures then leaves most of the machine to redirects, even where priorities do not work.
        _threads =
        [
            .. Enumerable.Range(0, Math.Max(1, Environment.ProcessorCount / 4)).Select(_ => new Thread(Run) { IsBackground = true, Name = "QR codes" }),
        ];
        foreach (var thread in _threads)
            thread.Start();
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    // The server has stopped before, so nobody waits any more and the threads end at once.
    public Task StopAsync(CancellationToken cancellationToken)
    {
        _waiting.Writer.TryComplete();
        return Task.CompletedTask;
    }

    private void Run()
    {
        BackgroundThread.GiveWay();
        var reader = _waiting.Reader;
        while (reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            while (reader.TryRead(out var render))
                Complete(render);
        }
    }

    private void Complete(Render render)
    {
        try
        {
            render.CancellationToken.ThrowIfCancellationRequested();
            if (cache.Find(render.ETag) is not { } file)
            {
                using var timer = QrCodeMetrics.RenderSeconds.NewTimer();
                file = QrRenderer.Render(render.Content, render.Spec);
                cache.Add(render.ETag, file);
            }

            render.Completion.SetResult(file);
        }
        // The caller gets whatever went wrong; the thread goes on with the next.
        catch (Exception error)
        {
            render.Completion.SetException(error);
        }
    }

    private sealed record Render(string ETag, string Content, QrSpec Spec, TaskCompletionSource<byte[]> Completion, CancellationToken CancellationToken);
}
