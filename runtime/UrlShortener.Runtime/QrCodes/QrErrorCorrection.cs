namespace UrlShortener.Runtime.QrCodes;

/// <summary>The part of a QR code that may be unreadable (ISO/IEC 18004, section 6.5).</summary>
internal enum QrErrorCorrection
{
    /// <summary>About 7 % of the codewords.</summary>
    L,

    /// <summary>About 15 % of the codewords.</summary>
    M,

    /// <summary>About 25 % of the codewords.</summary>
    Q,

    /// <summary>About 30 % of the codewords.</summary>
    H,
}
