using System.Runtime.Versioning;
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

    // What is left out of the context cannot be copied from it, and what cannot be started stops a member.
    [Fact]
    [UnsupportedOSPlatform("windows")]
    public void Postgres_Files_AreInTheContext_AndCanBeStarted()
    {
        var files = Read("postgres", "Containerfile")
            .Split('\n')
            .Where(line => line.StartsWith("COPY", StringComparison.Ordinal) && !line.Contains("--from=", StringComparison.Ordinal))
            .SelectMany(line => line.Split(' ').Where(word => !word.StartsWith("--", StringComparison.Ordinal)).Skip(1).SkipLast(1))
            .ToList();
        var context = Read("postgres", ".dockerignore").Split('\n');
        Assert.All(files, file => Assert.Contains($"!{file.Split('*')[0]}", context));
        Assert.All(
            files.Where(file => Path.GetExtension(file) is ".sh" or ".py"),
            file => Assert.True(File.GetUnixFileMode(Checkout.PathOf("config/images/postgres", file)).HasFlag(UnixFileMode.OtherExecute), file)
        );
    }

    private static string Read(string store, string file) => File.ReadAllText(Checkout.PathOf("config/images", store, file));
}
