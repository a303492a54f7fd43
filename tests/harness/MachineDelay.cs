using System.Diagnostics;

namespace UrlShortener.TestHarness;

/// <summary>
/// How much longer than a moment things take on this machine, while a test measures something: it is busy with other tests, and may stand still for a while. The
/// test adds it to the time that the product promises.
/// </summary>
internal sealed class MachineDelay : IAsyncDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private readonly CancellationTokenSource _end = new();
    private readonly Func<Task> _ask;
    private readonly Task _running;
    private long _began = Stopwatch.GetTimestamp();
    private long _longest;

    private MachineDelay(Func<Task> ask)
    {
        _ask = ask;
        _running = Task.Run(RunAsync);
    }

    /// <summary>The longest time that a question and the pause before it have taken so far, without the pause.</summary>
    public TimeSpan Longest
    {
        get
        {
            var current = Stopwatch.GetElapsedTime(Volatile.Read(ref _began)) - Pause;
            return current.Ticks > Volatile.Read(ref _longest) ? current : TimeSpan.FromTicks(Volatile.Read(ref _longest));
        }
    }

    /// <summary>Asks again and again, until it is disposed of.</summary>
    /// <param name="ask">A question that a process answers by itself and at once.</param>
    public static MachineDelay Watch(Func<Task> ask) => new(ask);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _running;
        _end.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_end.IsCancellationRequested)
        {
            // A pause between questions, not a wait for something.
            await Task.Delay(Pause, CancellationToken.None);
            await _ask();
            var taken = (Stopwatch.GetElapsedTime(Volatile.Read(ref _began)) - Pause).Ticks;
            if (taken > Volatile.Read(ref _longest))
                Volatile.Write(ref _longest, taken);
            Volatile.Write(ref _began, Stopwatch.GetTimestamp());
        }
    }
}
