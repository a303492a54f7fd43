using System.Globalization;

namespace UrlShortener.Operator.Redis.Cluster;

/// <summary>A range of hash slots, both ends included.</summary>
internal readonly record struct SlotRange(int First, int Last)
{
    /// <summary>Number of slots of a cluster.</summary>
    public const int Slots = 16_384;

    /// <summary>Number of slots in the range.</summary>
    public int Count => Last - First + 1;

    /// <summary>The slots of a shard when all are spread evenly.</summary>
    public static SlotRange Of(int shard, int shards) => new(Slots * shard / shards, (Slots * (shard + 1) / shards) - 1);

    /// <summary>Reads <c>5</c> or <c>5-10</c>; null: not valid.</summary>
    public static SlotRange? TryParse(string text)
    {
        var dash = text.IndexOf('-', StringComparison.Ordinal);
        return TryNumber(dash < 0 ? text : text[..dash], out var first) && TryNumber(dash < 0 ? text : text[(dash + 1)..], out var last) && first <= last
            ? new SlotRange(first, last)
            : null;
    }

    /// <summary>The ranges of a set of slots.</summary>
    public static IReadOnlyList<SlotRange> Of(IEnumerable<int> slots)
    {
        var ranges = new List<SlotRange>();
        foreach (var slot in slots.Order())
        {
            if (ranges.Count > 0 && ranges[^1].Last == slot - 1)
                ranges[^1] = ranges[^1] with { Last = slot };
            else
                ranges.Add(new SlotRange(slot, slot));
        }

        return ranges;
    }

    private static bool TryNumber(string text, out int number) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number < Slots;
}
