using Xunit;

namespace UrlShortener.EndToEnd.Tests.Product;

/// <summary>
/// The product with the memory that it has in a pod of the operator's default limit, 512 MiB: .NET takes three quarters of a container's limit for its heap.
/// Memory that nobody bounds ends such a process within seconds; on a developer's machine it would go unnoticed.
/// </summary>
/// <remarks>
/// One test: <c>var pod = await StartSmallPodAsync("--Setting=value")</c> in a <see cref="ProductTest"/>. A whole class:
/// <c>IClassFixture&lt;SmallPodFixture&gt;</c> and <c>Share(fixture.Pod)</c>. Attack it, then call <see cref="ProductProcess.AssertIsRunning"/> and use it as
/// any user would; the fixture also fails when the process does not stop as it should. Settings stay as they are out of the box, or the test shows nothing.
/// </remarks>
internal static class SmallPod
{
    /// <summary>What makes a process small. Hexadecimal: 384 MiB.</summary>
    public static IReadOnlyDictionary<string, string> Environment { get; } = new Dictionary<string, string> { ["DOTNET_GCHeapHardLimit"] = "0x18000000" };
}

/// <summary>One small pod for all tests of a class, as it is out of the box, but for the limit on the one address that all tests come from.</summary>
public sealed class SmallPodFixture : IAsyncLifetime
{
    private readonly SharedProduct _shared = new();

    internal ProductProcess Pod => _shared.Product;

    public async ValueTask InitializeAsync() =>
        await _shared.StartAsync(SmallPod.Environment, "--RateLimiting:Anonymous=1000000", "--RateLimiting:Enterprise=1000000");

    public ValueTask DisposeAsync() => _shared.DisposeAsync();
}
