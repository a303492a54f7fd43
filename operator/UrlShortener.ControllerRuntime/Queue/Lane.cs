namespace UrlShortener.ControllerRuntime.Queue;

/// <summary>Which workers may take a key.</summary>
public enum Lane
{
    /// <summary>For changes that may take long, such as provisioning.</summary>
    Slow,

    /// <summary>For what must not wait, such as a failover: taken first, and by workers of its own.</summary>
    Fast,
}
