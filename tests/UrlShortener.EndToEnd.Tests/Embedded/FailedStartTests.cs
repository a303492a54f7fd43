using System.Runtime.InteropServices;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Embedded;

public sealed partial class FailedStartTests : ProductTest
{
    [Fact]
    public async Task Start_FailsWhileTheKeyPoolIsBeingFilled_TellsWhyAndNothingElse()
    {
        var stores = await NewStoresAsync();
        // A pipe holds the start where the blocklist is read, after the workers have begun, until the test opens its other end; then it fails: it is no file.
        var pipe = NewFolder().PathOf("blocklist");
        Assert.Equal(0, MakePipe(pipe, Convert.ToInt32("600", 8)));
        var product = Own(ProductProcess.Launch(stores, $"--Abuse:BlocklistPath={pipe}", "--Keys:PoolSize=1000000", "--Keys:BatchSize=100"));
        await Eventually.ReadAsync(stores.CountKeysAsync, count => count > 0, "the pool is being filled");

        // The next codes now wait for this lock, whatever the moment, and get it when the start has failed.
        await using (stores.LockWrites())
        {
            await using (await Task.Run(() => new FileStream(pipe, FileMode.Open, FileAccess.Write, FileShare.ReadWrite))) { }

            await Eventually.ReadAsync(
                () => Task.FromResult(product.Output),
                output => output.Contains("shutting down", StringComparison.Ordinal),
                "the start has failed"
            );
        }

        var exitCode = await product.WaitForExitAsync();

        Assert.True(exitCode == 78, product.Output);
        Assert.Contains($"The blocklist '{pipe}' cannot be read", product.Output, StringComparison.Ordinal);
        ProductRuns.AssertTellsPlainly(new ProgramResult(exitCode, product.Output, ""));
        Assert.DoesNotMatch(@"(?m)^\S+ (warn|fail|crit): ", product.Output);
    }

    [LibraryImport("libc", EntryPoint = "mkfifo", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakePipe(string path, int mode);
}
