using System.Globalization;

namespace UrlShortener.Operator.Backups;

/// <summary>A segment of the write-ahead log: 16 MiB. Its number counts through all timelines.</summary>
/// <param name="Timeline">Its timeline.</param>
/// <param name="Number">Its number.</param>
internal readonly record struct WalSegment(int Timeline, long Number)
{
    private const int SegmentBits = 24;
    private const int PerFile = 256;

    /// <summary>A segment by its name of 24 hexadecimal digits.</summary>
    public static WalSegment Parse(string name) => new((int)Hex(name.AsSpan(0, 8)), (Hex(name.AsSpan(8, 8)) * PerFile) + Hex(name.AsSpan(16)));

    /// <summary>The number of the segment that has a position, such as 0/3000060.</summary>
    public static long NumberOf(string position)
    {
        var parts = position.Split('/');
        return ((Hex(parts[0]) << 32) + Hex(parts[1])) >> SegmentBits;
    }

    /// <summary>Whether a text is the name of a segment.</summary>
    public static bool IsName(string? text) => text is { Length: 24 } && text.All(IsAsciiHexDigitUpper);

    /// <summary>Its name.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Timeline:X8}{Number / PerFile:X8}{Number % PerFile:X8}");

    private static bool IsAsciiHexDigitUpper(char digit) => digit is (>= '0' and <= '9') or (>= 'A' and <= 'F');

    private static long Hex(ReadOnlySpan<char> digits) => long.Parse(digits, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
}
