using System.Buffers;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using QRCoder;
using QRCoder.Exceptions;

namespace UrlShortener.Runtime.QrCodes;

/// <summary>Draws QR codes. Pure: equal arguments produce equal bytes.</summary>
internal static class QrRenderer
{
    // Increase it whenever the same content and spec produce different bytes, so that caches fetch the picture again.
    private const int RendererVersion = 2;

    // QRCoder's matrix includes its own quiet zone.
    private const int BuiltInMargin = 4;

    // Capacity of the largest code, in octets (ISO/IEC 18004, table 7).
    private const int MaxOctets = 2_953;

    private static readonly SearchValues<char> AlphanumericMode = SearchValues.Create("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:");

    // Modules along a side; null when the text does not fit. For text that needs the byte mode, such as every URL with a lower-case letter, the side depends
    // only on the number of octets. At most two entries for each length and level.
    private static readonly ConcurrentDictionary<(bool IsAscii, int Octets, QrErrorCorrection Level), int?> Sides = new();

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
                $"The size must be at least {extent} pixels for this content, error correction and margin. Choose a larger size."
            );
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
    public static int MinimumSize(string content, QrSpec spec) =>
        FindMinimumSize(content, spec) ?? throw new ArgumentException("The content is too long for a QR code.", nameof(content));

    /// <summary>As <see cref="MinimumSize"/>, or null when the content does not fit. Encodes the content only if its length was not seen before.</summary>
    /// <exception cref="ArgumentException">The content is empty.</exception>
    public static int? FindMinimumSize(string content, QrSpec spec)
    {
        ArgumentException.ThrowIfNullOrEmpty(content);
        if (FindSide(content, spec.ErrorCorrection) is not { } side)
            return null;
        return spec.Format == QrFormat.Png ? Math.Max(QrSpec.MinSize, side + (2 * spec.Margin)) : QrSpec.MinSize;
    }

    /// <summary>
    /// A strong entity tag of the file, quotes included (RFC 9110, section 8.8.3). Draws nothing, so a conditional request costs one hash.
    /// </summary>
    public static string ETag(string content, QrSpec spec)
    {
        var key = string.Create(CultureInfo.InvariantCulture, $"{RendererVersion}|{spec.Format}|{spec.Size}|{spec.ErrorCorrection}|{spec.Margin}|{content}");
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(key));
        return $"\"{Convert.ToHexStringLower(hash.AsSpan(0, 16))}\"";
    }

    private static int? FindSide(string content, QrErrorCorrection level)
    {
        if (!content.AsSpan().ContainsAnyExcept(AlphanumericMode))
            return Encode(content, level);
        var octets = Encoding.UTF8.GetByteCount(content);
        return octets > MaxOctets
            ? null
            : Sides.GetOrAdd(
                (Ascii.IsValid(content), octets, level),
                static (_, content) => Encode(content.Text, content.Level),
                (Text: content, Level: level)
            );

        static int? Encode(string content, QrErrorCorrection level) => TryEncode(content, level, out var modules) ? modules.GetLength(0) : null;
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
            // Decoders expect UTF-8 unless the code says otherwise. QRCoder would write Latin-1 where that is enough.
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
        var side = modules.GetLength(0);
        var offset = (size - (side * scale)) / 2;
        return PngWriter.WriteBilevel(size, size, DrawBands(modules, size, scale, offset));
    }

    // One band for the border above, one for each row of modules, and one for the border below.
    private static IEnumerable<(byte[] Pixels, int Rows)> DrawBands(bool[,] modules, int size, int scale, int offset)
    {
        var side = modules.GetLength(0);
        var white = new byte[(size + 7) / 8];
        white.AsSpan().Fill(0xFF);
        if (offset > 0)
            yield return (white, offset);
        for (var y = 0; y < side; y++)
        {
            var pixels = white.AsSpan().ToArray();
            for (var x = 0; x < side; x++)
            {
                for (var at = offset + (x * scale); modules[y, x] && at < offset + ((x + 1) * scale); at++)
                    pixels[at / 8] &= (byte)~(0x80 >> (at % 8));
            }

            yield return (pixels, scale);
        }

        var below = size - offset - (side * scale);
        if (below > 0)
            yield return (white, below);
    }

    private static byte[] DrawSvg(bool[,] modules, QrSpec spec, int extent)
    {
        var svg = new StringBuilder(8_192);
        svg.Append(
            CultureInfo.InvariantCulture,
            $"""<svg xmlns="http://www.w3.org/2000/svg" version="1.1" width="{spec.Size}" height="{spec.Size}" viewBox="0 0 {extent} {extent}" """
        );
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
