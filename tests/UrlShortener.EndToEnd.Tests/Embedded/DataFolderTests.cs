using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Embedded;

public sealed class DataFolderTests : ProductTest
{
    [Fact]
    public async Task Start_DataDirectoryIsAFile_SaysSo()
    {
        var stores = await NewStoresAsync();
        await File.WriteAllTextAsync(stores.DataDirectory, "a file", TestContext.Current.CancellationToken);

        await ProductRuns.AssertFailsAsync(stores, "Storage:DataDirectory");
    }

    [Fact]
    public async Task Start_DataIsNoDatabase_SaysSoAndLeavesItAlone()
    {
        var stores = await NewStoresAsync();
        var database = stores.DatabasePath;
        Directory.CreateDirectory(stores.DataDirectory);
        var content = string.Concat(Enumerable.Repeat("This is somebody's diary. ", 100));
        await File.WriteAllTextAsync(database, content, TestContext.Current.CancellationToken);

        await ProductRuns.AssertFailsAsync(stores, "Storage:DataDirectory");

        Assert.Equal(content, await File.ReadAllTextAsync(database, TestContext.Current.CancellationToken));
    }
}
