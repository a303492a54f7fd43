using UrlShortener.TestServers.Postgres;
using Xunit;

namespace UrlShortener.TestServers.Tests;

/// <summary>What tests run in the place of the stores' images is what these images say.</summary>
public sealed class StoreImageTests
{
    [Theory]
    [InlineData("postgres")]
    [InlineData("redis")]
    public void Containerfile_User_IsTheOneOfTheTests(string store) =>
        Assert.Contains($"USER {StorePrograms.User}:{StorePrograms.User}", Read(store, "Containerfile"), StringComparison.Ordinal);

    [Fact]
    public void Requirements_Patroni_IsTheVersionOfTheTests() =>
        Assert.Contains($"\npatroni=={PatroniPrograms.Version} ", Read("postgres", "requirements.txt"), StringComparison.Ordinal);

    private static string Read(string store, string file) => File.ReadAllText(Checkout.PathOf("config/images", store, file));
}
