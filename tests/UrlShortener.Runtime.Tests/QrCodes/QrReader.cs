using System.Text;
using Xunit;

namespace UrlShortener.Runtime.Tests.QrCodes;

/// <summary>
/// Reads a clean, upright picture of a QR code of version 1 to 10 (ISO/IEC 18004). Corrects nothing: any wrong module fails the checks of the format
/// information, the fixed patterns or the Reed–Solomon syndromes.
/// </summary>
internal static class QrReader
{
    // Error correction codewords per block and number of blocks, for versions 1 to 10 (table 9), in the order L, M, Q, H.
    private static readonly int[][] CheckWords =
    [
        [7, 10, 15, 20, 26, 18, 20, 24, 30, 18],
        [10, 16, 26, 18, 24, 16, 18, 22, 22, 26],
        [13, 22, 18, 26, 18, 24, 18, 22, 20, 24],
        [17, 28, 22, 16, 22, 28, 26, 26, 24, 28],
    ];

    private static readonly int[][] Blocks =
    [
        [1, 1, 1, 1, 1, 2, 2, 2, 2, 4],
        [1, 1, 1, 2, 2, 4, 4, 4, 5, 5],
        [1, 1, 2, 2, 4, 4, 6, 6, 8, 8],
        [1, 1, 2, 4, 4, 4, 5, 6, 8, 8],
    ];

    // Centres of the alignment patterns for versions 1 to 10 (annex E).
    private static readonly int[][] Alignment =
    [
        [], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42], [6, 26, 46], [6, 28, 50],
    ];

    /// <summary>Finds the code in a picture: its modules, the pixels to a module, and the white pixels at the left and top.</summary>
    public static (bool[,] Modules, int Scale, int Left, int Top) Sample(bool[,] pixels)
    {
        int height = pixels.GetLength(0), width = pixels.GetLength(1);
        int left = width, right = 0, top = height, bottom = 0;
        for (var y = 0; y < height; y++)
        {
            for (var x = 0; x < width; x++)
            {
                if (!pixels[y, x])
                    continue;
                left = Math.Min(left, x);
                right = Math.Max(right, x);
                top = Math.Min(top, y);
                bottom = Math.Max(bottom, y);
            }
        }

        var extent = right - left + 1;
        Assert.Equal(extent, bottom - top + 1);
        var finder = 0;
        while (pixels[top, left + finder])
            finder++;
        Assert.Equal(0, finder % 7);
        var scale = finder / 7;
        Assert.Equal(0, extent % scale);

        var side = extent / scale;
        var modules = new bool[side, side];
        for (var y = 0; y < extent; y++)
        {
            for (var x = 0; x < extent; x++)
            {
                if (y % scale == 0 && x % scale == 0)
                    modules[y / scale, x / scale] = pixels[top + y, left + x];
                Assert.Equal(modules[y / scale, x / scale], pixels[top + y, left + x]);
            }
        }

        return (modules, scale, left, top);
    }

    /// <summary>Reads the text and the error correction level, one of "LMQH".</summary>
    public static (string Text, char Level) Decode(bool[,] modules)
    {
        var side = modules.GetLength(0);
        var version = (side - 17) / 4;
        Assert.Equal(side, (version * 4) + 17);
        Assert.InRange(version, 1, 10);

        var isFixed = CheckFixedPatterns(modules, version);
        var (level, mask) = ReadFormat(modules);
        var words = ReadCodewords(modules, isFixed, mask);
        var data = CheckBlocks(words, CheckWords[level][version - 1], Blocks[level][version - 1]);
        return (ReadText(data, version), "LMQH"[level]);
    }

    private static bool[,] CheckFixedPatterns(bool[,] modules, int version)
    {
        var side = modules.GetLength(0);
        var isFixed = new bool[side, side];

        void Expect(int y, int x, bool isDark)
        {
            if (y < 0 || x < 0 || y >= side || x >= side)
                return;
            isFixed[y, x] = true;
            Assert.Equal(isDark, modules[y, x]);
        }

        foreach (var (y, x) in ((int, int)[])[(3, 3), (3, side - 4), (side - 4, 3)])
        {
            for (var dy = -4; dy <= 4; dy++)
            {
                for (var dx = -4; dx <= 4; dx++)
                    Expect(y + dy, x + dx, Math.Max(Math.Abs(dy), Math.Abs(dx)) is 0 or 1 or 3);
            }
        }

        foreach (var y in Alignment[version - 1])
        {
            foreach (var x in Alignment[version - 1])
            {
                if ((y == 6 && (x == 6 || x == side - 7)) || (x == 6 && y == side - 7))
                    continue;
                for (var dy = -2; dy <= 2; dy++)
                {
                    for (var dx = -2; dx <= 2; dx++)
                        Expect(y + dy, x + dx, Math.Max(Math.Abs(dy), Math.Abs(dx)) != 1);
                }
            }
        }

        for (var i = 8; i < side - 8; i++)
        {
            Expect(6, i, i % 2 == 0);
            Expect(i, 6, i % 2 == 0);
        }

        Expect(side - 8, 8, isDark: true);

        for (var i = 0; i < 9; i++)
            isFixed[8, i] = isFixed[i, 8] = true;
        for (var i = 0; i < 8; i++)
            isFixed[8, side - 1 - i] = isFixed[side - 1 - i, 8] = true;

        if (version >= 7)
        {
            // Version information: BCH(18,6) with generator 0x1F25 (annex D).
            var bits = (uint)version << 12;
            for (var i = 17; i >= 12; i--)
            {
                if ((bits >> i & 1) != 0)
                    bits ^= 0x1F25u << (i - 12);
            }

            bits |= (uint)version << 12;
            for (var i = 0; i < 18; i++)
            {
                Expect(i / 3, side - 11 + (i % 3), (bits >> i & 1) != 0);
                Expect(side - 11 + (i % 3), i / 3, (bits >> i & 1) != 0);
            }
        }

        return isFixed;
    }

    private static (int Level, int Mask) ReadFormat(bool[,] modules)
    {
        var side = modules.GetLength(0);
        var first = 0;
        var second = 0;
        for (var i = 0; i < 15; i++)
        {
            // From the lowest bit: down column 8 and then left along row 8; the copy goes left along row 8 and then down column 8 (figure 25).
            var (y, x) = i < 6 ? (i, 8) : i < 8 ? (i + 1, 8) : i == 8 ? (8, 7) : (8, 14 - i);
            first |= (modules[y, x] ? 1 : 0) << i;
            (y, x) = i < 8 ? (8, side - 1 - i) : (side - 15 + i, 8);
            second |= (modules[y, x] ? 1 : 0) << i;
        }

        Assert.Equal(first, second);
        var bits = first ^ 0x5412;
        var rest = bits;
        for (var i = 14; i >= 10; i--)
        {
            if ((rest >> i & 1) != 0)
                rest ^= 0x537 << (i - 10);
        }

        Assert.Equal(0, rest);
        return ((bits >> 13) switch { 1 => 0, 0 => 1, 3 => 2, _ => 3 }, bits >> 10 & 7);
    }

    private static List<byte> ReadCodewords(bool[,] modules, bool[,] isFixed, int mask)
    {
        var side = modules.GetLength(0);
        var bits = new List<bool>();
        var isUpwards = true;
        for (var right = side - 1; right > 0; right -= 2, isUpwards = !isUpwards)
        {
            if (right == 6)
                right = 5;
            for (var i = 0; i < side; i++)
            {
                var y = isUpwards ? side - 1 - i : i;
                for (var x = right; x >= right - 1; x--)
                {
                    if (!isFixed[y, x])
                        bits.Add(modules[y, x] ^ IsMasked(mask, y, x));
                }
            }
        }

        return bits.Chunk(8).Where(chunk => chunk.Length == 8)
            .Select(chunk => chunk.Aggregate((byte)0, (word, bit) => (byte)((word << 1) | (bit ? 1 : 0)))).ToList();
    }

    private static bool IsMasked(int mask, int y, int x) => mask switch
    {
        0 => (y + x) % 2 == 0,
        1 => y % 2 == 0,
        2 => x % 3 == 0,
        3 => (y + x) % 3 == 0,
        4 => ((y / 2) + (x / 3)) % 2 == 0,
        5 => (y * x % 2) + (y * x % 3) == 0,
        6 => ((y * x % 2) + (y * x % 3)) % 2 == 0,
        _ => (((y + x) % 2) + (y * x % 3)) % 2 == 0,
    };

    private static List<byte> CheckBlocks(List<byte> words, int checkWords, int blockCount)
    {
        var shortData = (words.Count / blockCount) - checkWords;
        var shortBlocks = blockCount - (words.Count % blockCount);
        var blocks = Enumerable.Range(0, blockCount).Select(_ => new List<byte>()).ToArray();
        var at = 0;
        for (var i = 0; i <= shortData; i++)
        {
            for (var block = 0; block < blockCount; block++)
            {
                if (i < shortData || block >= shortBlocks)
                    blocks[block].Add(words[at++]);
            }
        }

        var data = blocks.SelectMany(block => block).ToList();
        for (var i = 0; i < checkWords; i++)
        {
            foreach (var block in blocks)
                block.Add(words[at++]);
        }

        Assert.Equal(words.Count, at);
        foreach (var block in blocks)
        {
            // A codeword is a polynomial with the roots 2^0, 2^1, ... in GF(256).
            byte root = 1;
            for (var i = 0; i < checkWords; i++)
            {
                Assert.Equal(0, block.Aggregate((byte)0, (sum, word) => (byte)(Multiply(sum, root) ^ word)));
                root = Multiply(root, 2);
            }
        }

        return data;
    }

    // The field of QR codes: polynomial 0x11D.
    private static byte Multiply(byte a, byte b)
    {
        var product = 0;
        for (var i = 7; i >= 0; i--)
        {
            product = (product << 1) ^ ((product >> 7) * 0x11D);
            if ((b >> i & 1) != 0)
                product ^= a;
        }

        return (byte)product;
    }

    private static string ReadText(List<byte> data, int version)
    {
        var at = 0;

        int Take(int count)
        {
            var value = 0;
            for (var i = 0; i < count; i++, at++)
                value = (value << 1) | (data[at / 8] >> (7 - (at % 8)) & 1);
            return value;
        }

        var text = new StringBuilder();
        while ((data.Count * 8) - at >= 4)
        {
            var mode = Take(4);
            if (mode == 0)
                break;
            if (mode == 4)
            {
                var octets = new byte[Take(version < 10 ? 8 : 16)];
                for (var i = 0; i < octets.Length; i++)
                    octets[i] = (byte)Take(8);
                text.Append(Encoding.UTF8.GetString(octets));
            }
            else if (mode == 2)
            {
                const string Characters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";
                var count = Take(version < 10 ? 9 : 11);
                for (; count > 1; count -= 2)
                {
                    var pair = Take(11);
                    text.Append(Characters[pair / 45]).Append(Characters[pair % 45]);
                }

                if (count == 1)
                    text.Append(Characters[Take(6)]);
            }
            else if (mode == 1)
            {
                var count = Take(version < 10 ? 10 : 12);
                for (; count > 0; count -= 3)
                {
                    var digits = Math.Min(count, 3);
                    text.Append(Take((digits * 3) + 1).ToString($"D{digits}", null));
                }
            }
            else
            {
                Assert.Fail($"Mode {mode} is not expected.");
            }
        }

        return text.ToString();
    }
}
