using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Tracing;

public sealed class TracingSettingsTests : ProductTest
{
    [Theory]
    [InlineData("--Tracing:Endpoint=http://user:secret@collector", "Tracing:Endpoint must not contain a user or a password; send them in Headers.")]
    [InlineData("--Tracing:Headers=hidden", "Tracing:Headers must be pairs such as name=value")]
    [InlineData("--Tracing:SampleRatio=1.5", "Tracing:SampleRatio must be between 0 and 1.")]
    public async Task Start_SettingIsWrong_SaysSo(string setting, string expected)
    {
        var result = await ProductRuns.AssertIsMisconfiguredAsync(await NewStoresAsync(), expected, setting);

        Assert.DoesNotContain("hidden", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", result.Error, StringComparison.Ordinal);
    }
}
