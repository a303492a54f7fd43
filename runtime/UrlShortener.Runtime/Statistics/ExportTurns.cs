namespace UrlShortener.Runtime.Statistics;

/// <summary>A bounded number of exports at the same time, one for each user.</summary>
/// <param name="limit">Most at the same time.</param>
internal sealed class ExportTurns(int limit)
{
    private readonly Lock _lock = new();
    private readonly HashSet<long> _users = [];

    /// <summary>Begins an export of a user, or says why not.</summary>
    public ExportTurn TryBegin(long user)
    {
        lock (_lock)
        {
            if (_users.Contains(user))
                return ExportTurn.UserHasOne;
            if (_users.Count >= limit)
                return ExportTurn.AllTaken;
            _users.Add(user);
            return ExportTurn.Begun;
        }
    }

    /// <summary>Ends the export of a user.</summary>
    public void End(long user)
    {
        lock (_lock)
            _users.Remove(user);
    }
}

/// <summary>Whether an export may begin.</summary>
internal enum ExportTurn
{
    /// <summary>It has begun.</summary>
    Begun,

    /// <summary>The user has one already.</summary>
    UserHasOne,

    /// <summary>Other users have all.</summary>
    AllTaken,
}
