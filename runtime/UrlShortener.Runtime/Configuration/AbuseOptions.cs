namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>Abuse</c>: which targets are refused.</summary>
internal sealed class AbuseOptions
{
    /// <summary>Whether links may point at private, loopback and single-label hosts. Default false.</summary>
    public bool AllowPrivateHosts { get; set; }

    /// <summary>Path of the blocklist, which is reloaded when it changes. Unset: nothing is blocked.</summary>
    public string? BlocklistPath { get; set; }
}
