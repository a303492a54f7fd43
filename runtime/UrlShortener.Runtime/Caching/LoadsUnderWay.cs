namespace UrlShortener.Runtime.Caching;

/// <summary>
/// Loads of links, from the moment before the store is asked until their entries are in memory. A change removes the entry in memory, and uses this class to
/// void loads that are still under way. Bounded by the lookups at a time. Used by misses and changes only.
/// </summary>
internal sealed class LoadsUnderWay
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, LinkLoad> _byCode = new(StringComparer.Ordinal);

    /// <summary>Codes that are being loaded.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _byCode.Count;
        }
    }

    /// <summary>Called before the store is asked.</summary>
    /// <param name="shortCode">The code.</param>
    /// <param name="older">The entry past its time that takes its place when the load fails; null: there is none.</param>
    public LinkLoad Begin(string shortCode, CachedLink? older)
    {
        var load = new LinkLoad(shortCode, older);
        lock (_lock)
        {
            // Usually the only one: a second one begins when the first takes long.
            load.Next = _byCode.GetValueOrDefault(shortCode);
            _byCode[shortCode] = load;
        }

        return load;
    }

    /// <summary>The store has answered; the entry is on its way into memory.</summary>
    public void Finish(LinkLoad load, CachedLink link)
    {
        lock (_lock)
        {
            load.Link = link;
            if (load.IsVoid)
                link.Void();
        }
    }

    /// <summary>The load has failed; nothing of it will be in memory.</summary>
    public void Fail(LinkLoad load)
    {
        lock (_lock)
            Keep(load.ShortCode, other => other != load);
    }

    /// <summary>Called after an entry of a code came into memory: from now on it is found there.</summary>
    public void Stored(string shortCode)
    {
        lock (_lock)
            Keep(shortCode, load => load.Link is null);
    }

    /// <summary>Voids what the loads of a code that are under way are going to bring.</summary>
    public void Void(string shortCode)
    {
        lock (_lock)
        {
            for (var load = _byCode.GetValueOrDefault(shortCode); load is not null; load = load.Next)
            {
                load.IsVoid = true;
                load.Link?.Void();
                load.Older?.Void();
            }
        }
    }

    private void Keep(string shortCode, Func<LinkLoad, bool> isKept)
    {
        if (!_byCode.Remove(shortCode, out var load))
            return;
        while (load is not null)
        {
            var next = load.Next;
            if (isKept(load))
            {
                load.Next = _byCode.GetValueOrDefault(shortCode);
                _byCode[shortCode] = load;
            }

            load = next;
        }
    }
}

/// <summary>One load of a link. Its state belongs to <see cref="LoadsUnderWay"/>.</summary>
/// <param name="shortCode">The code.</param>
/// <param name="older">See <see cref="LoadsUnderWay.Begin"/>.</param>
internal sealed class LinkLoad(string shortCode, CachedLink? older)
{
    /// <summary>The code.</summary>
    public string ShortCode => shortCode;

    /// <summary>The entry past its time; null: none.</summary>
    public CachedLink? Older => older;

    /// <summary>The entry that the load brought; null: it is still being read.</summary>
    public CachedLink? Link { get; set; }

    /// <summary>Whether the link changed since the load began.</summary>
    public bool IsVoid { get; set; }

    /// <summary>The next load of the same code.</summary>
    public LinkLoad? Next { get; set; }
}
