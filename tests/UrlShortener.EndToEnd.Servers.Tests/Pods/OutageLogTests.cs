using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Servers.Tests.Pods;

public sealed class OutageLogTests : ProductTest
{
    private const int Visitors = 300;

    // What the workers of a process write about an outage of some seconds, with room to spare: one such line has 340 characters, its stack traces had kilobytes.
    private const int MostCharacters = 20_000;

    [Fact]
    public async Task Links_ThatCannotBeLoaded_AreLoggedTogetherAndNotOneByOne()
    {
        var stores = await NewStoresAsync();
        var product = Own(ProductProcess.Launch(stores, "--Postgres:ReadFromReplicas=false", "--Postgres:ReadTimeout=00:00:03"));
        await product.WaitUntilReadyAsync();
        Reply[] replies;
        var before = product.Output.Length;

        await using (await stores.LockReadsAsync("urls"))
            replies = await Task.WhenAll(Enumerable.Range(0, Visitors).Select(i => product.Anonymous.GetAsync($"/none{i:000}")));

        Assert.All(replies, reply => Assert.Equal(503, reply.Status));
        await Eventually.ReadAsync(
            () => Task.FromResult(product.Output),
            output => output.Contains("Cannot load a link", StringComparison.Ordinal),
            "the log tells of it"
        );
        var output = product.Output[before..];
        Assert.DoesNotContain("an error occurred while calling the factory", output, StringComparison.Ordinal);
        Assert.InRange(output.Split("Cannot load a link").Length - 1, 1, Visitors / 10);
        Assert.InRange(output.Length, 1, MostCharacters);
    }
}
