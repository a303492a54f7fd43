namespace UrlShortener.Runtime.Clicks;

/// <summary>
/// Names of sources. Visitors choose them and may send a new one with each click, so a link keeps a bounded number per day. Clicks from further sources are
/// summed up under one name.
/// </summary>
internal static class ClickSources
{
    /// <summary>Most sources that a link keeps by name on one UTC day, direct visits not counted. The PostgreSQL trigger has the same number.</summary>
    public const int MaxPerDay = 1_000;

    /// <summary>
    /// Stands for all further sources of a day. Not a valid host, so that no referrer has this name. The PostgreSQL trigger writes the same text.
    /// </summary>
    public const string Others = "(other sources)";

    private const string DirectName = "direct";
    private const string OthersName = "other";

    /// <summary>The name of a source in the API. A host with a name that has a meaning here gets a trailing dot.</summary>
    /// <param name="source">As stored; null: a direct visit.</param>
    public static string NameOf(string? source) =>
        source switch
        {
            null => DirectName,
            Others => OthersName,
            DirectName or OthersName => source + ".",
            _ => source,
        };
}
