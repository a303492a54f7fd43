using UrlShortener.EndToEnd.Tests.Product;
using Xunit;
using Xunit.Sdk;

namespace UrlShortener.EndToEnd.Tests.Embedded;

public sealed class DataFolderTests : ProductTest
{
    [Fact]
    public async Task Start_DataDirectoryIsAFile_SaysSo()
    {
        var stores = await NewStoresAsync();
        await File.WriteAllTextAsync(stores.DataDirectory, "a file", TestContext.Current.CancellationToken);

        await ProductRuns.AssertIsMisconfiguredAsync(stores, "Storage:DataDirectory");
    }

    [Fact]
    public async Task Start_DatabaseMayNotBeWritten_SaysSo()
    {
        var product = await StartAsync();
        await product.StopAsync();
        using var file = ReadOnlyFile.Make(product.Stores.DatabasePath);

        var result = await ProductRuns.AssertIsMisconfiguredAsync(product.Stores, $"{product.Stores.DatabasePath} cannot be written");

        Assert.Contains("Storage:DataDirectory", result.Error, StringComparison.Ordinal);
        var command = await product.RunCommandAsync("users", "create", "--email", NewEmail());
        Assert.True(command.ExitCode == 78, command.ToString());
        Assert.Contains($"{product.Stores.DatabasePath} cannot be written", command.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_NewFolder_IsForTheAccountThatServesAlone()
    {
        if (OperatingSystem.IsWindows())
            throw SkipException.ForSkip("Windows has no modes of files.");
        var product = await StartAsync();
        await product.Owner.CreateLinkAsync();
        var files = Directory.GetFiles(product.Stores.DataDirectory);

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(product.Stores.DataDirectory));
        Assert.Contains(product.Stores.DatabasePath + "-wal", files);
        foreach (var file in files)
            Assert.True(File.GetUnixFileMode(file) == (UnixFileMode.UserRead | UnixFileMode.UserWrite), file);
    }

    [Fact]
    public async Task Start_FolderExists_KeepsItsMode()
    {
        if (OperatingSystem.IsWindows())
            throw SkipException.ForSkip("Windows has no modes of files.");
        const UnixFileMode mode =
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute | UnixFileMode.GroupRead | UnixFileMode.GroupExecute;
        var stores = await NewStoresAsync();
        Directory.CreateDirectory(stores.DataDirectory, mode);
        File.SetUnixFileMode(stores.DataDirectory, mode);
        var product = Own(ProductProcess.Launch(stores));
        await product.WaitUntilReadyAsync();
        await product.StopAsync();

        Assert.Equal(mode, File.GetUnixFileMode(stores.DataDirectory));
    }

    [Fact]
    public async Task Start_DataIsNoDatabase_SaysSoAndLeavesItAlone()
    {
        var stores = await NewStoresAsync();
        var database = stores.DatabasePath;
        Directory.CreateDirectory(stores.DataDirectory);
        var content = string.Concat(Enumerable.Repeat("This is somebody's diary. ", 100));
        await File.WriteAllTextAsync(database, content, TestContext.Current.CancellationToken);

        await ProductRuns.AssertIsMisconfiguredAsync(stores, "Storage:DataDirectory");

        Assert.Equal(content, await File.ReadAllTextAsync(database, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Start_AnotherProcessServesFromTheFolder_IsRefusedAndTheFirstGoesOn()
    {
        var product = await StartAsync();
        var code = await product.Owner.CreateLinkAsync();

        var refused = await ProductRuns.AssertFailsAsync(product.Stores, "Storage:DataDirectory");

        var holder = await File.ReadAllTextAsync(Path.Combine(product.Stores.DataDirectory, "serve.pid"), TestContext.Current.CancellationToken);
        Assert.True(int.TryParse(holder, out _), holder);
        Assert.Contains($"{product.Stores.DataDirectory} is in use: process {holder} serves from it", refused.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("API key", refused.Output, StringComparison.Ordinal);
        Assert.Equal(302, (await product.Anonymous.GetAsync($"/{code}")).Status);
        // Commands work beside it.
        Assert.Equal(0, (await product.RunCommandAsync("users", "list")).ExitCode);
        Assert.Equal(0, (await product.RunCommandAsync("migrate")).ExitCode);
        // However it ends, the folder is free then.
        await product.KillAsync();
        await product.StartAgainAsync();
        Assert.Equal(302, (await product.Anonymous.GetAsync($"/{code}")).Status);
        await product.StopAsync();
        await product.StartAgainAsync();
        Assert.Equal(302, (await product.Anonymous.GetAsync($"/{code}")).Status);
    }

    [Fact]
    public async Task Restore_CopyOfTheFolderPutBack_NoCodeIsGivenOutTwice()
    {
        const int links = 30;
        var product = await StartAsync("--Keys:PoolSize=100", "--Keys:LowWatermark=50", "--Keys:BatchSize=100", "--RateLimiting:Enterprise=1000000");
        await product.WaitForCodesAsync(100);
        await product.StopAsync();
        var copy = NewFolder().FullName;
        Copy(product.Stores.DataDirectory, copy);

        await product.StartAgainAsync();
        var lost = await CreateAsync(product, links);
        await product.StopAsync();
        Directory.Delete(product.Stores.DataDirectory, recursive: true);
        Copy(copy, product.Stores.DataDirectory);
        var restored = await product.RunCommandAsync("restored");
        Assert.True(restored.ExitCode == 0, restored.ToString());
        Assert.Contains("Opened epoch 1.", restored.Output, StringComparison.Ordinal);
        await product.StartAgainAsync();

        Assert.Empty(lost.Intersect(await CreateAsync(product, links)));
    }

    [Fact]
    public async Task Restore_CopyPutBackWithoutACommand_NoCodeIsGivenOutTwice()
    {
        const int links = 30;
        var product = await StartAsync("--Keys:PoolSize=100", "--Keys:LowWatermark=50", "--Keys:BatchSize=100", "--RateLimiting:Enterprise=1000000");
        await product.WaitForCodesAsync(100);
        await product.StopAsync();
        var copy = NewFolder().FullName;
        Copy(product.Stores.DataDirectory, copy);

        await product.StartAgainAsync();
        var lost = await CreateAsync(product, links);
        await product.KillAsync();
        Directory.Delete(product.Stores.DataDirectory, recursive: true);
        Copy(copy, product.Stores.DataDirectory);
        await product.StartAgainAsync();

        Assert.Empty(lost.Intersect(await CreateAsync(product, links)));
    }

    [Fact]
    public async Task Restored_WhileItServes_VoidsWhatIsInMemory()
    {
        var product = await StartAsync("--Caching:Ttl=01:00:00");
        var code = await product.Owner.CreateLinkAsync("https://example.com/lost");
        Assert.Equal("https://example.com/lost", (await product.Anonymous.GetAsync($"/{code}")).Header("Location"));
        // As a restore into the open file.
        await product.Stores.RetargetLinkAsync(code, "https://example.com/restored");
        Assert.Equal("https://example.com/lost", (await product.Anonymous.GetAsync($"/{code}")).Header("Location"));

        var restored = await product.RunCommandAsync("restored");

        Assert.True(restored.ExitCode == 0, restored.ToString());
        await Eventually.ReadAsync(
            () => product.Anonymous.GetAsync($"/{code}"),
            reply => reply.Header("Location") == "https://example.com/restored",
            "the restored target is followed"
        );
        // Codes of before are void, and there are new ones.
        Assert.Equal(302, (await product.Anonymous.GetAsync($"/{await product.Owner.CreateLinkAsync()}")).Status);
    }

    private static async Task<IReadOnlyList<string>> CreateAsync(ProductProcess product, int count)
    {
        // From the pool, not made on demand.
        await product.WaitForCodesAsync(100);
        var codes = new List<string>();
        for (var i = 0; i < count; i++)
            codes.Add(await product.Owner.CreateLinkAsync());
        return codes;
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)), overwrite: true);
    }
}
