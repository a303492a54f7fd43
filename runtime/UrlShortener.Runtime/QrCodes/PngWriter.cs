using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Hashing;

namespace UrlShortener.Runtime.QrCodes;

/// <summary>Writes PNG files (W3C PNG, third edition) of the only kind needed here: 1-bit greyscale.</summary>
internal static class PngWriter
{
    private const byte FilterNone = 0;
    private const byte FilterUp = 2;

    private static ReadOnlySpan<byte> Signature => [0x89, (byte)'P', (byte)'N', (byte)'G', (byte)'\r', (byte)'\n', 0x1A, (byte)'\n'];

    /// <summary>Writes a picture of black and white pixels.</summary>
    /// <param name="width">Width in pixels, at least 1.</param>
    /// <param name="height">Height in pixels, at least 1.</param>
    /// <param name="bands">
    /// Groups of equal rows: the pixels of one row, 8 to an octet from the high bit, where a set bit is white; and the number of rows, at least 1.
    /// </param>
    public static byte[] WriteBilevel(int width, int height, IEnumerable<(byte[] Pixels, int Rows)> bands)
    {
        // Width, height, bit depth 1, colour type 0 (greyscale), compression 0, filter 0, no interlace.
        Span<byte> header = [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(header, width);
        BinaryPrimitives.WriteInt32BigEndian(header[4..], height);

        using var compressed = new MemoryStream();
        using (var zlib = new ZLibStream(compressed, CompressionLevel.Optimal, leaveOpen: true))
        {
            // With the filter Up, a row equal to the row above is all zeros, which compress to nearly nothing.
            var repeated = new byte[1 + ((width + 7) / 8)];
            repeated[0] = FilterUp;
            foreach (var (pixels, rows) in bands)
            {
                zlib.WriteByte(FilterNone);
                zlib.Write(pixels);
                for (var row = 1; row < rows; row++)
                    zlib.Write(repeated);
            }
        }

        using var file = new MemoryStream();
        file.Write(Signature);
        WriteChunk(file, "IHDR"u8, header);
        WriteChunk(file, "IDAT"u8, compressed.GetBuffer().AsSpan(0, (int)compressed.Length));
        WriteChunk(file, "IEND"u8, []);
        return file.ToArray();
    }

    private static void WriteChunk(MemoryStream file, ReadOnlySpan<byte> type, ReadOnlySpan<byte> data)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(number, data.Length);
        file.Write(number);
        file.Write(type);
        file.Write(data);

        var crc = new Crc32();
        crc.Append(type);
        crc.Append(data);
        BinaryPrimitives.WriteUInt32BigEndian(number, crc.GetCurrentHashAsUInt32());
        file.Write(number);
    }
}
