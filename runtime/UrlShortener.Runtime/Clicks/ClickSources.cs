namespace UrlShortener.Runtime.Clicks;

/// <summary>
/// Names of sources. Visitors choose them, one with each click if they like, so a link keeps a bounded number of them per day; clicks of further ones are
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

    /// <summary>The name of a source in the API. Hosts that are called like one of ours get the dot of an absolute name.</summary>
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
