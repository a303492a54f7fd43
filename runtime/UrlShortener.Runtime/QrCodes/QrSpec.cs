namespace UrlShortener.Runtime.QrCodes;

/// <summary>How a QR code is drawn.</summary>
/// <param name="Format">The file format.</param>
/// <param name="Size">Width and height in pixels, 64 to 2,048.</param>
/// <param name="ErrorCorrection">The error correction level.</param>
/// <param name="Margin">
/// Width of the quiet zone in modules, 0 to 16; exact in an SVG, at least this in a PNG, see decision 17. Readers may need 4 (ISO/IEC 18004, section 5.3.8).
/// </param>
internal readonly record struct QrSpec(
    QrFormat Format,
    int Size = QrSpec.DefaultSize,
    QrErrorCorrection ErrorCorrection = QrErrorCorrection.M,
    int Margin = QrSpec.DefaultMargin
)
{
    /// <summary>Smallest <see cref="Size"/>, in pixels.</summary>
    public const int MinSize = 64;

    /// <summary>Largest <see cref="Size"/>, in pixels.</summary>
    public const int MaxSize = 2_048;

    /// <summary>Default <see cref="Size"/>, in pixels.</summary>
    public const int DefaultSize = 300;

    /// <summary>Largest <see cref="Margin"/>, in modules.</summary>
    public const int MaxMargin = 16;

    /// <summary>Default <see cref="Margin"/>, in modules.</summary>
    public const int DefaultMargin = 4;

    /// <summary>What is out of range and what to do, or null when everything is in range.</summary>
    public string? Problem =>
        !Enum.IsDefined(Format) ? "The format must be png or svg."
        : !Enum.IsDefined(ErrorCorrection) ? "The error correction must be L, M, Q or H."
        : Size is < MinSize or > MaxSize ? "The size must be 64 to 2048 pixels."
        : Margin is < 0 or > MaxMargin ? "The margin must be 0 to 16 modules."
        : null;
}
