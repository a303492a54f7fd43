namespace UrlShortener.Runtime.Configuration;

/// <summary>The task of a process: the setting <c>Role</c>.</summary>
internal enum RuntimeRole
{
    /// <summary>Everything. The default.</summary>
    All,

    /// <summary>Redirects and the API; the region's keys come from the key generation service.</summary>
    App,

    /// <summary>Only the key generation service.</summary>
    Kgs,

    /// <summary>Only the load of click events from Kafka into ClickHouse.</summary>
    Clicks,
}
