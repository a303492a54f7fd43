using System.Text.Json;

namespace UrlShortener.Load;

internal static class LoadJson
{
    public static readonly JsonSerializerOptions Indented = new(JsonSerializerOptions.Web) { WriteIndented = true };
}
