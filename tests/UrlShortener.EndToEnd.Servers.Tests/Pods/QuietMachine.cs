using Xunit;

namespace UrlShortener.EndToEnd.Servers.Tests.Pods;

/// <summary>Tests that hold the product to its time limits: they run alone, after all others, since others would take the processor from the servers.</summary>
[CollectionDefinition(nameof(QuietMachine), DisableParallelization = true)]
public sealed class QuietMachine;
