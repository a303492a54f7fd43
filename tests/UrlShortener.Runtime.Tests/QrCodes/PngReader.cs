using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;
using Xunit;

namespace UrlShortener.Runtime.Tests.QrCodes;

/// <summary>Reads the PNG files under test, strictly, and with a CRC of its own (PNG, annex D) so that the writer's is checked.</summary>
internal static class PngReader
{
    /// <summary>The pixels, row by row; true is black.</summary>
    public static bool[,] Read(byte[] file)
    {
        Assert.Equal([0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A], file[..8]);
        var chunks = new List<(string Type, byte[] Data)>();
        for (var at = 8; at < file.Length; )
        {
            var length = BinaryPrimitives.ReadInt32BigEndian(file.AsSpan(at));
            chunks.Add((Encoding.ASCII.GetString(file, at + 4, 4), file[(at + 8)..(at + 8 + length)]));
            Assert.Equal(Crc(file.AsSpan(at + 4, length + 4)), BinaryPrimitives.ReadUInt32BigEndian(file.AsSpan(at + 8 + length)));
            at += length + 12;
        }

        Assert.Equal(["IHDR", "IDAT", "IEND"], chunks.Select(chunk => chunk.Type));
        var header = chunks[0].Data;
        var width = BinaryPrimitives.ReadInt32BigEndian(header);
        var height = BinaryPrimitives.ReadInt32BigEndian(header.AsSpan(4));
        Assert.Equal([1, 0, 0, 0, 0], header[8..]);

        using var data = new MemoryStream();
        using (var zlib = new ZLibStream(new MemoryStream(chunks[1].Data), CompressionMode.Decompress))
            zlib.CopyTo(data);
        var lines = data.ToArray();
        var stride = 1 + ((width + 7) / 8);
        Assert.Equal(stride * height, lines.Length);

        var pixels = new bool[height, width];
        for (var y = 0; y < height; y++)
        {
            // Filters None and Up (PNG, section 9.2).
            var filter = lines[y * stride];
            Assert.True(filter == 0 || (filter == 2 && y > 0), $"Filter {filter} in row {y}.");
            for (var x = 1; filter == 2 && x < stride; x++)
                lines[(y * stride) + x] += lines[((y - 1) * stride) + x];
            for (var x = 0; x < width; x++)
                pixels[y, x] = (lines[(y * stride) + 1 + (x / 8)] & (0x80 >> (x % 8))) == 0;
        }

        return pixels;
    }

    private static uint Crc(ReadOnlySpan<byte> data)
    {
        var crc = 0xFFFFFFFFu;
        foreach (var octet in data)
        {
            crc ^= octet;
            for (var i = 0; i < 8; i++)
                crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ 0xEDB88320u;
        }

        return ~crc;
    }
}
