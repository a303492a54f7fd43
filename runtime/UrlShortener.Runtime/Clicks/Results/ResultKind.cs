namespace UrlShortener.Runtime.Clicks.Results;

/// <summary>The results of the Flink job, each in a topic and a table of its own.</summary>
internal enum ResultKind
{
    /// <summary>Sums per code and minute.</summary>
    Minutes,

    /// <summary>Links that trend.</summary>
    Trends,

    /// <summary>Links, and visitors, far above their usual rate.</summary>
    Floods,
}
