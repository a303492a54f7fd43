namespace UrlShortener.Load.Cases;

/// <summary>One thing that is measured on PostgreSQL and Redis.</summary>
internal interface ILoadCase
{
    /// <summary>The word by which it is chosen.</summary>
    string Name { get; }

    /// <summary>Measures it. <paramref name="installation"/> is its own.</summary>
    Task<CaseReport> RunAsync(CaseContext context, Installation installation, CancellationToken cancellationToken);
}
