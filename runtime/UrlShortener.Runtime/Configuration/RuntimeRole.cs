namespace UrlShortener.Runtime.Configuration;

/// <summary>What a process does: the setting <c>Role</c>.</summary>
internal enum RuntimeRole
{
    /// <summary>Everything. The default.</summary>
    All,

    /// <summary>Redirects and the API; the region's keys come from the key generation service.</summary>
    App,

    /// <summary>The key generation service alone.</summary>
    Kgs,
}
