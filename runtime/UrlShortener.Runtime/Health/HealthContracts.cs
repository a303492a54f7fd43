using System.ComponentModel;

namespace UrlShortener.Runtime.Health;

/// <summary>Answer to GET /health.</summary>
[Description("State of the service and its components.")]
internal sealed record HealthResponse(
    [property: Description("`healthy`, `degraded` (works, with a fallback) or `unhealthy`.")] string Status,
    [property: Description("The same for each component.")] ComponentsResponse Components,
    [property: Description("Version of the product.")] string Version);

/// <summary>Components.</summary>
[Description("State of each component.")]
internal sealed record ComponentsResponse(
    [property: Description("The store; degraded: links are followed, none can be created or changed.")] string Database,
    [property: Description("What processes share; degraded: each process works on its own.")] string Cache,
    [property: Description("The key pool; degraded: codes are made on demand.")] string Kgs);
