using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>Connections</c>: connections of clients.</summary>
internal sealed class ConnectionLimitOptions
{
    // Measured: the largest incomplete request head that Kestrel accepts, and the connection itself.
    private const long BytesPerConnection = 40 * 1024;
    private const long Fewest = 100;
    private const long Most = 1_000_000;

    /// <summary>Connections that may be open at the same time; further ones are closed at once. Default: the number that fills half of the memory while a
    /// request head arrives on each.</summary>
    [Range(1, (int)Most)]
    public int? Max { get; set; }

    /// <summary>The limit in force.</summary>
    /// <param name="memory">Bytes of memory that the process may use.</param>
    public int EffectiveMax(long memory) => Max ?? (int)Math.Clamp(memory / 2 / BytesPerConnection, Fewest, Most);
}
