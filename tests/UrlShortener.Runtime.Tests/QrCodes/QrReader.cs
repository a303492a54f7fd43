using Xunit;
using ZXing;
using ZXing.Common;
using ZXing.QrCode.Internal;

namespace UrlShortener.Runtime.Tests.QrCodes;

/// <summary>Reads a clean, upright picture of a QR code (ISO/IEC 18004). Corrects nothing: any wrong module among the data or their check words
/// fails.</summary>
internal static class QrReader
{
    private static readonly Dictionary<DecodeHintType, object> Hints = new() { [DecodeHintType.CHARACTER_SET] = "UTF-8" };

    /// <summary>Finds the code in a picture: its modules, the pixels to a module, and the white pixels at the left and top.</summary>
    public static (bool[,] Modules, int Scale, int Left, int Top) Sample(bool[,] pixels)
    {
        int height = pixels.GetLength(0),
            width = pixels.GetLength(1);
        int left = width,
            right = 0,
            top = height,
            bottom = 0;
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
                // Without an assertion each: a picture has millions of pixels.
                if (modules[y / scale, x / scale] != pixels[top + y, left + x])
                    Assert.Fail($"The pixel {left + x}, {top + y} differs from the rest of its module.");
            }
        }

        return (modules, scale, left, top);
    }

    /// <summary>Reads the text and the error correction level, one of "LMQH".</summary>
    public static (string Text, char Level) Decode(bool[,] modules)
    {
        var side = modules.GetLength(0);
        var matrix = new BitMatrix(side);
        for (var y = 0; y < side; y++)
        {
            for (var x = 0; x < side; x++)
                matrix[x, y] = modules[y, x];
        }

        AssertFinders(modules);
        var result = new Decoder().decode(matrix, Hints);
        Assert.NotNull(result);
        Assert.Equal(0, result.ErrorsCorrected);
        return (result.Text, Assert.Single(result.ECLevel));
    }

    // What the decoder takes for granted: the three corners by which a camera finds the code, and the timing pattern between them.
    private static void AssertFinders(bool[,] modules)
    {
        var side = modules.GetLength(0);
        foreach (var (top, left) in ((int, int)[])[(0, 0), (0, side - 7), (side - 7, 0)])
        {
            for (var y = 0; y < 7; y++)
            {
                for (var x = 0; x < 7; x++)
                    Assert.Equal(Math.Max(Math.Abs(y - 3), Math.Abs(x - 3)) != 2, modules[top + y, left + x]);
            }
        }

        for (var i = 8; i < side - 8; i++)
        {
            Assert.Equal(i % 2 == 0, modules[6, i]);
            Assert.Equal(i % 2 == 0, modules[i, 6]);
        }
    }
}
