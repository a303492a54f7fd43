using System.Text.Json;
using UrlShortener.ControllerRuntime.Api;

namespace UrlShortener.ControllerRuntime.Informers;

/// <summary>One line of a watch.</summary>
/// <param name="Type">ADDED, MODIFIED, DELETED, BOOKMARK or ERROR.</param>
/// <param name="Object">The object, or the status of an error.</param>
internal readonly record struct WatchFrame(string Type, JsonElement Object)
{
    /// <summary>Reads a line.</summary>
    /// <exception cref="UndecodableException">The line is not a watch event.</exception>
    public static WatchFrame Read(string line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            var root = document.RootElement;
            return new WatchFrame(root.GetProperty("type").GetString() ?? "", root.GetProperty("object").Clone());
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new UndecodableException("A line of a watch cannot be read.", e);
        }
    }
}
