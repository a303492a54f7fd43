using Xunit;

namespace UrlShortener.Runtime.Tests;

/// <summary>
/// Tests of what a process has once: its metrics, which a product that starts in this process also counts, and its spans, which every listener hears. They run
/// one after the other.
/// </summary>
[CollectionDefinition(Name)]
public static class ProcessStateTestGroup
{
    public const string Name = "State of the process";
}
