namespace UrlShortener.Runtime.Clicks;

/// <summary>Where an address is, as far as the geo database knows.</summary>
/// <param name="Country">ISO 3166-1 alpha-2 code in upper case, or null when unknown.</param>
/// <param name="City">English city name of at most <see cref="GeoDatabase.MaxCityLength"/> characters, or null when unknown.</param>
internal readonly record struct Place(string? Country, string? City);
