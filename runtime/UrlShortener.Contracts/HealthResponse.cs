using System.ComponentModel;

namespace UrlShortener.Contracts;

/// <summary>Answer to GET /health.</summary>
[Description("State of the service and its components.")]
public sealed record HealthResponse(
    [property: Description("`healthy`, `degraded` (works, with a fallback) or `unhealthy`.")] string Status,
    [property: Description("The same for each component.")] ComponentsResponse Components,
    [property: Description("Version of the product.")] string Version
);

/// <summary>Components.</summary>
[Description("State of each component.")]
public sealed record ComponentsResponse(
    [property: Description("The store; degraded: redirects work, creates and changes do not.")] string Database,
    [property: Description("The tier that processes share; degraded: each process works on its own.")] string Cache,
    [property: Description("The key pool; degraded: codes are generated on demand.")] string Kgs
);
