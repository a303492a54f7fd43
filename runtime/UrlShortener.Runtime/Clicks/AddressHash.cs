using System.Buffers.Binary;
using System.Globalization;

namespace UrlShortener.Runtime.Clicks;

/// <summary>
/// Salted hash of a visitor's address: 32 bytes, held in place. The default value is no hash: the visitor asked not to be tracked, or is unknown.
/// </summary>
/// <param name="First">Bytes 0 to 7, big endian.</param>
/// <param name="Second">Bytes 8 to 15.</param>
/// <param name="Third">Bytes 16 to 23.</param>
/// <param name="Fourth">Bytes 24 to 31.</param>
internal readonly record struct AddressHash(ulong First, ulong Second, ulong Third, ulong Fourth)
{
    /// <summary>Length in bytes.</summary>
    public const int Size = 32;

    /// <summary>Length as hexadecimal digits.</summary>
    public const int Digits = 2 * Size;

    /// <summary>Whether there is no hash.</summary>
    public bool IsNone => (First | Second | Third | Fourth) == 0;

    /// <summary>Reads a hash from its 32 bytes.</summary>
    public static AddressHash Read(ReadOnlySpan<byte> bytes) =>
        new(
            BinaryPrimitives.ReadUInt64BigEndian(bytes),
            BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]),
            BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]),
            BinaryPrimitives.ReadUInt64BigEndian(bytes[24..])
        );

    /// <summary>Reads the first 8 bytes of a hash, all that is kept of it; no bytes are no hash.</summary>
    public static AddressHash ReadShort(ReadOnlySpan<byte> bytes) => bytes.IsEmpty ? default : new(BinaryPrimitives.ReadUInt64BigEndian(bytes), 0, 0, 0);

    /// <summary>The first 8 bytes as 16 lower-case hexadecimal digits, or nothing if there is no hash.</summary>
    public string ToShortString() => IsNone ? "" : First.ToString("x16", CultureInfo.InvariantCulture);

    /// <summary>Writes the 32 bytes.</summary>
    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64BigEndian(bytes, First);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], Second);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[16..], Third);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[24..], Fourth);
    }

    /// <summary>Writes the 64 lower-case hexadecimal digits, UTF-8.</summary>
    public void WriteDigits(Span<byte> digits)
    {
        Span<byte> bytes = stackalloc byte[Size];
        Write(bytes);
        Convert.TryToHexStringLower(bytes, digits, out _);
    }

    /// <summary>64 lower-case hexadecimal digits, or nothing if there is no hash.</summary>
    public override string ToString()
    {
        if (IsNone)
            return "";
        Span<byte> bytes = stackalloc byte[Size];
        Write(bytes);
        return Convert.ToHexStringLower(bytes);
    }
}
