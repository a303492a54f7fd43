using System.Threading.Channels;
using Prometheus;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.QrCodes;

/// <summary>
/// Draws pictures on a few low-priority threads, not on those that answer requests, so that redirects go first when cores are busy. The queue is limited;
/// when it is full, a caller is refused at once. A picture that several callers wait for is drawn once.
/// </summary>
internal sealed class QrRenderQueue(QrCodeCache cache) : IHostedService
{
    /// <summary>Most pictures that may wait. Drawing one takes a few milliseconds, so the last one waits less than a second on an idle core.</summary>
    public const int Capacity = 64;

    private readonly Channel<Render> _waiting = Channel.CreateBounded<Render>(Capacity);
    private Thread[] _threads = [];

    /// <summary>Draws a picture and stores it in the cache.</summary>
    /// <returns>The file; null when too many wait.</returns>
    public async Task<byte[]?> RenderAsync(string etag, string content, QrSpec spec, CancellationToken cancellationToken)
    {
        var render = new Render(etag, content, spec, new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously), cancellationToken);
        return _waiting.Writer.TryWrite(render) ? await render.Completion.Task : null;
    }

    /// <inheritdoc />
    public Task StartAsync(CancellationToken cancellationToken)
    {
        // A quarter of the cores: a flood of new pictures then leaves most of the machine to redirects, even where thread priorities have no effect.
        _threads =
        [
            .. Enumerable.Range(0, Math.Max(1, Environment.ProcessorCount / 4)).Select(_ => new Thread(Run) { IsBackground = true, Name = "QR codes" }),
        ];
        foreach (var thread in _threads)
            thread.Start();
        return Task.CompletedTask;
    }

    /// <inheritdoc />
    // The server stops before this service, so no caller waits any more and the threads end at once.
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
        // Passes any error to the caller; the thread continues with the next picture.
        catch (Exception error)
        {
            render.Completion.SetException(error);
        }
    }

    private sealed record Render(string ETag, string Content, QrSpec Spec, TaskCompletionSource<byte[]> Completion, CancellationToken CancellationToken);
}
