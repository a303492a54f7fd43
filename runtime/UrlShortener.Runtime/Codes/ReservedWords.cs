namespace UrlShortener.Runtime.Codes;

/// <summary>Codes that no link gets: paths of this product, and names that a visitor would take for its own pages.</summary>
internal static class ReservedWords
{
    private static readonly HashSet<string> Words = new(StringComparer.OrdinalIgnoreCase)
    {
        "about", "abuse", "account", "admin", "analytics", "apis", "assets", "auth", "billing", "blog", "bulk", "contact", "dashboard", "docs", "domains",
        "error", "errors", "favicon", "health", "healthz", "help", "home", "index", "legal", "links", "livez", "login", "logout", "metrics", "oauth",
        "openapi", "preview", "pricing", "privacy", "readyz", "register", "report", "robots", "scalar", "security", "settings", "shorten", "signin",
        "signout", "signup", "sitemap", "static", "stats", "status", "support", "swagger", "system", "terms", "user", "users", "webhook", "webhooks",
        "well-known", "www1",
    };

    /// <summary>Whether a code is reserved, in any case.</summary>
    public static bool Contains(string code) => Words.Contains(code);
}
