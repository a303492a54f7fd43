namespace UrlShortener.EndToEnd.Tests.Product;

/// <summary>A GeoIP file that knows one network.</summary>
internal static class Places
{
    public const string Country = "DE";
    public const string City = "Musterstadt";

    /// <summary>Writes the file: 203.0.113.0/24 is in <see cref="City"/>.</summary>
    public static void WriteTo(string path) => new MmdbWriter().Add("203.0.113.0/24", MmdbWriter.Nested(Country, City)).WriteTo(path);
}
