namespace UrlShortener.ControllerRuntime.Api;

/// <summary>
/// The right to write that a term of leadership gives. It is bound to this machine's monotonic clock and counts from before the last renewal was sent, so it
/// ends before anybody else can begin, also in a process that was stopped and goes on later.
/// </summary>
public sealed class FencingToken
{
    private readonly TimeSpan _writableFor;
    private readonly TimeSpan _heldFor;
    private readonly TimeProvider _time;
    private long _renewed;
    private volatile bool _isEnded;

    /// <summary>Begins a term.</summary>
    /// <param name="renewed">Timestamp of before the lease was taken.</param>
    /// <param name="writableFor">How long after a renewal a write may begin.</param>
    /// <param name="heldFor">How long after a renewal the lease is ours, so that a write must be over.</param>
    /// <param name="time">Clock.</param>
    public FencingToken(long renewed, TimeSpan writableFor, TimeSpan heldFor, TimeProvider time)
    {
        _renewed = renewed;
        _writableFor = writableFor;
        _heldFor = heldFor;
        _time = time;
    }

    /// <summary>Whether a write may begin now.</summary>
    public bool IsValid => !_isEnded && Age < _writableFor;

    /// <summary>How long a write that begins now may last.</summary>
    public TimeSpan TimeLeft => _heldFor - Age;

    /// <summary>How long the term can still be renewed.</summary>
    internal TimeSpan RenewableFor => _writableFor - Age;

    private TimeSpan Age => _time.GetElapsedTime(Volatile.Read(ref _renewed));

    /// <summary>Refuses to go on when the term is over.</summary>
    /// <exception cref="LeadershipLostException">It is.</exception>
    public void ThrowIfStale()
    {
        if (!IsValid)
            throw new LeadershipLostException();
    }

    /// <summary>Counts from a later renewal. A term that is over stays over.</summary>
    internal void Extend(long renewed)
    {
        if (IsValid)
            Volatile.Write(ref _renewed, renewed);
    }

    /// <summary>Ends the term.</summary>
    internal void End() => _isEnded = true;
}
