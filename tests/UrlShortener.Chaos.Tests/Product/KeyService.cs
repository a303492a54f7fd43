using Xunit;

namespace UrlShortener.Chaos.Tests.Product;

/// <summary>What an operator asks of a process with the key generation service.</summary>
internal sealed class KeyService(Pod pod)
{
    /// <summary>Secret of the service's callers.</summary>
    public const string Token = "chaos-chaos-chaos-chaos-chaos-chaos";

    /// <summary>The process.</summary>
    public Pod Pod => pod;

    /// <summary>Codes in the region's pool; 0: not counted yet.</summary>
    public async Task<long> ReadLevelAsync()
    {
        var status = await pod.Anonymous.GetAsync("/kgs/v1/status", ("Authorization", $"Bearer {Token}"));
        Assert.True(status.Status == 200, status.ToString());
        return status.Json.TryGetProperty("level", out var level) && level.ValueKind == System.Text.Json.JsonValueKind.Number ? level.GetInt64() : 0;
    }
}
