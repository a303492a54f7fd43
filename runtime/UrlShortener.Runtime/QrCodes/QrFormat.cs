namespace UrlShortener.Runtime.QrCodes;

/// <summary>The file format of a QR code.</summary>
internal enum QrFormat
{
    /// <summary>PNG, 1-bit greyscale; <c>image/png</c>.</summary>
    Png,

    /// <summary>SVG 1.1; <c>image/svg+xml</c>.</summary>
    Svg,
}
