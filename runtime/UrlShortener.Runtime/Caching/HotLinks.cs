using System.Numerics;
using UrlShortener.Runtime.Codes;

namespace UrlShortener.Runtime.Caching;

/// <summary>
/// Links that were asked for a moment ago, for a lookup that costs a hash and a comparison. A link is held for a lease; then the cache behind is asked again,
/// which so still knows what is used. Each slot holds one link: of two links with the same slot, the one that was asked for last stays.
/// </summary>
internal sealed class HotLinks
{
    private const int MaxSlots = 16_384;

    private readonly Held?[] _slots;
    private readonly long _lease;

    /// <summary>Creates an empty one.</summary>
    /// <param name="capacity">Most links.</param>
    /// <param name="lease">How long a link is held, in units of <see cref="System.Diagnostics.Stopwatch"/>.</param>
    public HotLinks(int capacity, long lease)
    {
        _slots = new Held?[BitOperations.RoundUpToPowerOf2((uint)Math.Min(capacity, MaxSlots))];
        _lease = lease;
    }

    /// <summary>The link of a code; null: it is not held, or its lease is over.</summary>
    /// <param name="shortCode">The code, or any other text.</param>
    /// <param name="now">A timestamp of <see cref="System.Diagnostics.Stopwatch"/>.</param>
    public CachedLink? Find(ReadOnlySpan<char> shortCode, long now) =>
        shortCode.Length <= ShortCode.MaxLength
        && Volatile.Read(ref SlotOf(shortCode)) is { } held
        && now < held.Ends
        && shortCode.SequenceEqual(held.Link.ShortCode)
            ? held.Link
            : null;

    /// <summary>Holds a link from now on.</summary>
    public void Hold(CachedLink link, long now) => Volatile.Write(ref SlotOf(link.ShortCode), new Held(link, now + _lease));

    /// <summary>Holds the link of a code no longer.</summary>
    /// <returns>The link that was held.</returns>
    public CachedLink? Drop(string shortCode)
    {
        ref var slot = ref SlotOf(shortCode);
        var held = Volatile.Read(ref slot);
        if (held is null || held.Link.ShortCode != shortCode)
            return null;
        Interlocked.CompareExchange(ref slot, null, held);
        return held.Link;
    }

    // The hash has a secret of this process: nobody can choose codes that push others out.
    private ref Held? SlotOf(ReadOnlySpan<char> shortCode) => ref _slots[string.GetHashCode(shortCode) & (_slots.Length - 1)];

    private sealed record Held(CachedLink Link, long Ends);
}
