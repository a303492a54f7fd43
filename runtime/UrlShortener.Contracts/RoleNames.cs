namespace UrlShortener.Contracts;

/// <summary>Values of <see cref="SettingNames.Role"/>: what a process of the runtime does.</summary>
public static class RoleNames
{
    /// <summary>Everything.</summary>
    public const string All = "all";

    /// <summary>Redirects and the API.</summary>
    public const string App = "app";

    /// <summary>The key generation service.</summary>
    public const string Kgs = "kgs";

    /// <summary>The load of click events from Kafka into ClickHouse.</summary>
    public const string Clicks = "clicks";
}
