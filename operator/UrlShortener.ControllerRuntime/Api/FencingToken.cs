namespace UrlShortener.ControllerRuntime.Api;

/// <summary>
/// The right to write during a term of leadership. It uses this machine's monotonic clock and counts from before the last renewal was sent, so that it ends
/// before another process can lead, even in a process that was frozen and resumes later.
/// </summary>
public sealed class FencingToken
{
    private readonly TimeSpan _writableFor;
    private readonly TimeSpan _heldFor;
    private readonly TimeProvider _time;
    private long _renewed;
    private volatile bool _isEnded;

    /// <summary>Starts a term.</summary>
    /// <param name="renewed">Timestamp from before the lease was taken.</param>
    /// <param name="writableFor">Time after a renewal in which a write may start.</param>
    /// <param name="heldFor">Time after a renewal in which this process holds the lease; a write must end within it.</param>
    /// <param name="time">Clock.</param>
    public FencingToken(long renewed, TimeSpan writableFor, TimeSpan heldFor, TimeProvider time)
    {
        _renewed = renewed;
        _writableFor = writableFor;
        _heldFor = heldFor;
        _time = time;
    }

    /// <summary>Whether a write may start now.</summary>
    public bool IsValid => !_isEnded && Age < _writableFor;

    /// <summary>Maximum duration of a write that starts now.</summary>
    public TimeSpan TimeLeft => _heldFor - Age;

    /// <summary>Remaining time to renew the term.</summary>
    internal TimeSpan RenewableFor => _writableFor - Age;

    private TimeSpan Age => _time.GetElapsedTime(Volatile.Read(ref _renewed));

    /// <summary>Throws if the term is over.</summary>
    /// <exception cref="LeadershipLostException">The term is over.</exception>
    public void ThrowIfStale()
    {
        if (!IsValid)
            throw new LeadershipLostException();
    }

    /// <summary>Extends the term from a later renewal. A term that is over stays over.</summary>
    internal void Extend(long renewed)
    {
        if (IsValid)
            Volatile.Write(ref _renewed, renewed);
    }

    /// <summary>Ends the term.</summary>
    internal void End() => _isEnded = true;
}
