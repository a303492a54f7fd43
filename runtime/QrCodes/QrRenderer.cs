using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using QRCoder;
using QRCoder.Exceptions;

namespace UrlShortener.Runtime.QrCodes;

/// <summary>Draws QR codes. Pure: equal arguments give equal bytes.</summary>
internal static class QrRenderer
{
    // Raise whenever the same content and spec give other bytes, so that caches fetch the picture again.
    private const int RendererVersion = 1;

    // QRCoder's matrix comes with a quiet zone of its own.
    private const int BuiltInMargin = 4;

    /// <summary>Draws a QR code.</summary>
    /// <param name="content">The text to encode, usually a URL; not empty.</param>
    /// <param name="spec">How to draw it.</param>
    /// <returns>The bytes of the file.</returns>
    /// <exception cref="ArgumentException">
    /// The spec is out of range, the content does not fit in a QR code, or the size is below <see cref="MinimumSize"/>.
    /// </exception>
    public static byte[] Render(string content, QrSpec spec) =>
        TryRender(content, spec, out var file, out var problem) ? file : throw new ArgumentException(problem, nameof(spec));

    /// <summary>Draws a QR code, or says why it cannot be drawn.</summary>
    /// <param name="content">The text to encode; not empty.</param>
    /// <param name="spec">How to draw it.</param>
    /// <param name="file">The bytes of the file.</param>
    /// <param name="problem">A sentence that names the limit and what to do.</param>
    public static bool TryRender(string content, QrSpec spec, [NotNullWhen(true)] out byte[]? file, [NotNullWhen(false)] out string? problem)
    {
        ArgumentException.ThrowIfNullOrEmpty(content);
        file = null;
        problem = spec.Problem;
        if (problem is not null)
            return false;

        if (!TryEncode(content, spec.ErrorCorrection, out var modules))
        {
            problem = "The content is too long for a QR code. Shorten it or choose a lower error correction.";
            return false;
        }

        var extent = modules.GetLength(0) + (2 * spec.Margin);
        if (spec.Format == QrFormat.Png && spec.Size < extent)
        {
            problem = string.Create(
                CultureInfo.InvariantCulture,
                $"The size must be at least {extent} pixels for this content, error correction and margin. Choose a larger size.");
            return false;
        }

        file = spec.Format == QrFormat.Png ? DrawPng(modules, spec.Size, spec.Size / extent) : DrawSvg(modules, spec, extent);
        return true;
    }

    /// <summary>
    /// The smallest <see cref="QrSpec.Size"/> in pixels that <see cref="Render"/> accepts: one pixel per module for PNG, no more than
    /// <see cref="QrSpec.MinSize"/> for SVG, which scales. The size in the spec is ignored.
    /// </summary>
    /// <exception cref="ArgumentException">The content is empty or does not fit in a QR code.</exception>
    public static int MinimumSize(string content, QrSpec spec)
    {
        ArgumentException.ThrowIfNullOrEmpty(content);
        if (!TryEncode(content, spec.ErrorCorrection, out var modules))
            throw new ArgumentException("The content is too long for a QR code.", nameof(content));
        return spec.Format == QrFormat.Png ? Math.Max(QrSpec.MinSize, modules.GetLength(0) + (2 * spec.Margin)) : QrSpec.MinSize;
    }

    /// <summary>
    /// A strong entity tag of the file, quotes included (RFC 9110, section 8.8.3). Draws nothing, so a conditional request costs one hash.
    /// </summary>
    public static string ETag(string content, QrSpec spec)
    {
        var key = string.Create(
            CultureInfo.InvariantCulture,
            $"{RendererVersion}|{spec.Format}|{spec.Size}|{spec.ErrorCorrection}|{spec.Margin}|{content}");
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(key));
        return $"\"{Convert.ToHexStringLower(hash.AsSpan(0, 16))}\"";
    }

    private static bool TryEncode(string content, QrErrorCorrection errorCorrection, [NotNullWhen(true)] out bool[,]? modules)
    {
        var level = errorCorrection switch
        {
            QrErrorCorrection.L => QRCodeGenerator.ECCLevel.L,
            QrErrorCorrection.Q => QRCodeGenerator.ECCLevel.Q,
            QrErrorCorrection.H => QRCodeGenerator.ECCLevel.H,
            _ => QRCodeGenerator.ECCLevel.M,
        };
        try
        {
            // Readers take bytes for UTF-8 unless told otherwise; QRCoder would write Latin-1 where that suffices.
            using var data = QRCodeGenerator.GenerateQrCode(content, level, forceUtf8: !Ascii.IsValid(content));
            var matrix = data.ModuleMatrix;
            var side = matrix.Count - (2 * BuiltInMargin);
            modules = new bool[side, side];
            for (var y = 0; y < side; y++)
            {
                for (var x = 0; x < side; x++)
                    modules[y, x] = matrix[y + BuiltInMargin][x + BuiltInMargin];
            }

            return true;
        }
        catch (DataTooLongException)
        {
            modules = null;
            return false;
        }
    }

    private static byte[] DrawPng(bool[,] modules, int size, int scale)
    {
        // Scanlines of one filter octet (0, none) and the pixels, 8 to an octet from the high bit; a set bit is white.
        var stride = 1 + ((size + 7) / 8);
        var scanlines = new byte[stride * size];
        for (var y = 0; y < size; y++)
            scanlines.AsSpan((y * stride) + 1, stride - 1).Fill(0xFF);

        var side = modules.GetLength(0);
        var offset = (size - (side * scale)) / 2;
        for (var y = 0; y < side * scale; y++)
        {
            var line = scanlines.AsSpan(((offset + y) * stride) + 1, stride - 1);
            for (var x = 0; x < side * scale; x++)
            {
                if (modules[y / scale, x / scale])
                    line[(offset + x) / 8] &= (byte)~(0x80 >> ((offset + x) % 8));
            }
        }

        return PngWriter.WriteBilevel(size, size, scanlines);
    }

    private static byte[] DrawSvg(bool[,] modules, QrSpec spec, int extent)
    {
        var svg = new StringBuilder(8_192);
        svg.Append(
            CultureInfo.InvariantCulture,
            $"""<svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="{spec.Size}" height="{spec.Size}" viewBox="0 0 {extent} {extent}" """);
        svg.Append("shape-rendering=\"crispEdges\"><rect width=\"100%\" height=\"100%\" fill=\"#fff\"/><path fill=\"#000\" d=\"");
        var side = modules.GetLength(0);
        for (var y = 0; y < side; y++)
        {
            for (var x = 0; x < side; x++)
            {
                var start = x;
                while (x < side && modules[y, x])
                    x++;
                if (x > start)
                    svg.Append(CultureInfo.InvariantCulture, $"M{start + spec.Margin} {y + spec.Margin}h{x - start}v1h-{x - start}z");
            }
        }

        svg.Append("\"/></svg>\n");
        return Encoding.ASCII.GetBytes(svg.ToString());
    }
}
