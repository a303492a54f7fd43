using System.Threading.Channels;

namespace UrlShortener.Runtime.Resilience;

/// <summary>A thread that gives way to requests and does what it is given, one piece after the other.</summary>
internal sealed class BackgroundWorker : IDisposable
{
    private readonly Channel<Piece> _pieces = Channel.CreateBounded<Piece>(1);
    private readonly Thread _thread;

    /// <summary>Starts the thread.</summary>
    /// <param name="name">Its name.</param>
    public BackgroundWorker(string name)
    {
        _thread = new Thread(Run) { IsBackground = true, Name = name };
        // Without the context of whoever comes first.
        _thread.UnsafeStart();
    }

    /// <summary>Does work in the thread. The caller waits for one piece before it gives the next.</summary>
    /// <returns>Ends with the work, and with its exception.</returns>
    /// <exception cref="InvalidOperationException">Another piece waits, or the thread has ended.</exception>
    public Task RunAsync(Action work)
    {
        var piece = new Piece(work, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        return _pieces.Writer.TryWrite(piece) ? piece.Done.Task : throw new InvalidOperationException($"{_thread.Name} takes one piece of work at a time.");
    }

    /// <summary>Ends the thread, after what it has been given.</summary>
    public void Dispose()
    {
        _pieces.Writer.TryComplete();
        _thread.Join();
    }

    private void Run()
    {
        BackgroundThread.GiveWay();
        var reader = _pieces.Reader;
        // Only this thread waits, and only for its own work.
        while (reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            while (reader.TryRead(out var piece))
                Do(piece);
        }
    }

    private static void Do(Piece piece)
    {
        try
        {
            piece.Work();
            piece.Done.SetResult();
        }
        // The caller gets it; the thread goes on.
        catch (Exception error)
        {
            piece.Done.SetException(error);
        }
    }

    private readonly record struct Piece(Action Work, TaskCompletionSource Done);
}
