using System.Numerics;
using UrlShortener.Runtime.Codes;

namespace UrlShortener.Runtime.Caching;

/// <summary>
/// Links that were asked for a moment ago, for a lookup that costs a hash and a comparison. A link is held for a lease; then the cache behind is asked again,
/// which so still knows what is used. A hash names a set of four slots, each of which holds one link. In a full set the link whose lease ends first makes room.
/// </summary>
internal sealed class HotLinks
{
    private const int MaxSlots = 16_384;

    // With one slot for each hash, 6 of 100 among a thousand links would share theirs with another and push each other out.
    private const int SlotsPerSet = 4;

    private readonly Held?[] _slots;
    private readonly int _setSize;
    private readonly long _lease;

    /// <summary>Creates an empty one.</summary>
    /// <param name="capacity">Most links.</param>
    /// <param name="lease">How long a link is held, in units of <see cref="System.Diagnostics.Stopwatch"/>.</param>
    public HotLinks(int capacity, long lease)
    {
        _slots = new Held?[BitOperations.RoundUpToPowerOf2((uint)Math.Min(capacity, MaxSlots))];
        _setSize = Math.Min(SlotsPerSet, _slots.Length);
        _lease = lease;
    }

    /// <summary>The link of a code; null: it is not held, or its lease is over.</summary>
    /// <param name="shortCode">The code, or any other text.</param>
    /// <param name="now">A timestamp of <see cref="System.Diagnostics.Stopwatch"/>.</param>
    public CachedLink? Find(ReadOnlySpan<char> shortCode, long now)
    {
        if (shortCode.Length > ShortCode.MaxLength)
            return null;
        foreach (ref var slot in SetOf(shortCode))
        {
            if (Volatile.Read(ref slot) is { } held && now < held.Ends && shortCode.SequenceEqual(held.Link.ShortCode))
                return held.Link;
        }

        return null;
    }

    /// <summary>Holds a link from now on.</summary>
    public void Hold(CachedLink link, long now)
    {
        var set = SetOf(link.ShortCode);
        var (chosen, least) = (0, long.MaxValue);
        for (var i = 0; i < set.Length; i++)
        {
            var held = Volatile.Read(ref set[i]);
            // The slot of the same code, else an empty one.
            var rank =
                held is null ? long.MinValue + 1
                : held.Link.ShortCode == link.ShortCode ? long.MinValue
                : held.Ends;
            if (rank < least)
                (chosen, least) = (i, rank);
        }

        Volatile.Write(ref set[chosen], new Held(link, now + _lease));
    }

    /// <summary>Holds the link of a code no longer. Two threads at once may have put it into two slots.</summary>
    /// <param name="shortCode">The code.</param>
    /// <param name="isVoid">Whether the link has changed, so that nobody may answer with it.</param>
    /// <returns>Whether it was held.</returns>
    public bool Drop(string shortCode, bool isVoid)
    {
        var wasHeld = false;
        foreach (ref var slot in SetOf(shortCode))
        {
            if (Volatile.Read(ref slot) is not { } held || held.Link.ShortCode != shortCode)
                continue;
            if (isVoid)
                held.Link.Void();
            Interlocked.CompareExchange(ref slot, null, held);
            wasHeld = true;
        }

        return wasHeld;
    }

    // The hash has a secret of this process: nobody can choose codes that push others out.
    private Span<Held?> SetOf(ReadOnlySpan<char> shortCode) => _slots.AsSpan(string.GetHashCode(shortCode) * _setSize & (_slots.Length - 1), _setSize);

    private sealed record Held(CachedLink Link, long Ends);
}
