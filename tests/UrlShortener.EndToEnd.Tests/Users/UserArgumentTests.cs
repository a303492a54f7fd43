using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Users;

/// <summary>Commands that are refused for their words, before a store is opened.</summary>
public sealed class UserArgumentTests : ProductTest
{
    [Theory]
    [InlineData("--email", "create", "--email", "nonsense")]
    [InlineData("--email", "create", "--email", "a@b@c")]
    [InlineData("printable ASCII", "create", "--email", "\u212Aate@example.com")]
    [InlineData("printable ASCII", "create", "--email", "kate@example.com\u00a0")]
    [InlineData("--email", "create")]
    [InlineData("--tier must be", "create", "--email", "a@example.com", "--tier", "platinum")]
    [InlineData("--tier must be", "create", "--email", "a@example.com", "--tier", "7")]
    [InlineData("--rate-limit", "create", "--email", "a@example.com", "--rate-limit", "0")]
    [InlineData("--rate-limit", "create", "--email", "a@example.com", "--rate-limit", "1000001")]
    [InlineData("--rate-limit", "create", "--email", "a@example.com", "--rate-limit", "many")]
    [InlineData("--quota must be", "create", "--email", "a@example.com", "--quota", "-1")]
    [InlineData("--quota must be", "create", "--email", "a@example.com", "--quota", "1000000000000001")]
    [InlineData("--quota must be", "create", "--email", "a@example.com", "--quota", "99999999999999999999")]
    [InlineData("--quota must be", "create", "--email", "a@example.com", "--quota", "tier")]
    [InlineData("or tier", "set-quota", "--email", "a@example.com", "--quota", "10MB")]
    [InlineData("--quota", "set-quota", "--email", "a@example.com")]
    [InlineData("Storag", "list", "--Storag:DataDirectory=x")]
    public async Task Users_WrongArguments_FailsAndSaysWhy(string named, params string[] arguments)
    {
        var stores = await NewStoresAsync();

        ProductRuns.AssertIsRefused(await ProductProgram.RunAsync(stores.Folder, ["users", .. arguments, .. stores.Settings]), named);
        Assert.Empty(Directory.EnumerateFileSystemEntries(stores.Folder));
    }

    [Theory]
    [InlineData("users")]
    [InlineData("users", "remove")]
    [InlineData("serve")]
    public async Task Command_Unknown_FailsAndCreatesNothing(params string[] arguments)
    {
        var stores = await NewStoresAsync();

        var result = await ProductProgram.RunAsync(stores.Folder, [.. arguments, .. stores.Settings]);

        ProductRuns.AssertIsRefused(result, "");
        Assert.Empty(Directory.EnumerateFileSystemEntries(stores.Folder));
    }
}
