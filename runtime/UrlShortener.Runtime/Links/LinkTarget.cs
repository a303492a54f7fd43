namespace UrlShortener.Runtime.Links;

/// <summary>The part of a link that a redirect needs.</summary>
/// <param name="OriginalUrl">See <see cref="Link"/>.</param>
/// <param name="ExpiresAt">See <see cref="Link"/>.</param>
/// <param name="RedirectType">See <see cref="Link"/>.</param>
/// <param name="IsActive">See <see cref="Link"/>.</param>
/// <param name="Version">The state with the larger version is the newer one.</param>
internal sealed record LinkTarget(string OriginalUrl, DateTimeOffset? ExpiresAt, int RedirectType, bool IsActive, StateVersion Version);

/// <summary>A link reached a version: states of it with a smaller one are out of date. A deletion counts as a change.</summary>
internal readonly record struct LinkVersion(string ShortCode, StateVersion Version);
