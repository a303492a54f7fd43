using System.IO.Hashing;

namespace UrlShortener.Runtime.Clicks.Events;

/// <summary>
/// Texts of events that were read lately, by their bytes in JSON: those that come again and again are in memory once. A text with the place of another one takes
/// it over, so the number is bounded without a list of what is oldest. One thread at a time.
/// </summary>
internal sealed class RecentTexts
{
    /// <summary>Most bytes of a text that is remembered. With all places taken by the longest texts they have 12 MiB.</summary>
    public const int MaxBytes = 512;

    // A power of two.
    private const int Places = 8_192;

    private readonly (byte[]? Bytes, string Text)[] _places = new (byte[]?, string)[Places];

    /// <summary>Finds a text; null: it is not remembered.</summary>
    public string? Find(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length > MaxBytes)
            return null;
        ref var place = ref _places[PlaceOf(bytes)];
        return place.Bytes is { } known && bytes.SequenceEqual(known) ? place.Text : null;
    }

    /// <summary>Remembers a text unless it is too long.</summary>
    public void Add(ReadOnlySpan<byte> bytes, string text)
    {
        if (bytes.Length <= MaxBytes)
            _places[PlaceOf(bytes)] = (bytes.ToArray(), text);
    }

    private static int PlaceOf(ReadOnlySpan<byte> bytes) => (int)(XxHash3.HashToUInt64(bytes) & (Places - 1));
}
