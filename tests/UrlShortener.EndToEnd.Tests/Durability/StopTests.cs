using System.Collections.Concurrent;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Durability;

/// <summary>What visitors meet while a process stops. Another test stops one under load where the data is on servers.</summary>
public sealed class StopTests : ProductTest
{
    [Fact]
    public async Task Stop_AmongRequests_AnswersThemOrRefusesTheConnection()
    {
        var product = await StartAsync("--RateLimiting:Enabled=false");
        var owner = product.Owner;
        var acknowledged = new ConcurrentQueue<string>();
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var clients = Enumerable
            .Range(0, 16)
            .Select(async _ =>
            {
                while (true)
                {
                    try
                    {
                        var reply = await owner.CreateAsync(new { original_url = "https://example.com/" });
                        Assert.True(reply.Status == 201, reply.ToString());
                        acknowledged.Enqueue(reply.Json.GetProperty("short_code").GetString()!);
                    }
                    catch (HttpRequestException)
                    {
                        return;
                    }

                    if (acknowledged.Count > 200)
                        started.TrySetResult();
                }
            })
            .ToList();

        await started.Task.WaitAsync(TimeSpan.FromMinutes(5), TestContext.Current.CancellationToken);
        await product.StopAsync();
        await Task.WhenAll(clients);
        await product.StartAgainAsync();

        foreach (var code in acknowledged)
            Assert.Equal(302, (await product.Anonymous.GetAsync($"/{code}")).Status);
    }

    [Fact]
    public async Task Stop_WithADrainDelay_ServesOnWhileItIsNotReady()
    {
        // Long enough for the questions below on a busy machine; the process ends with it, whatever the tests do.
        var product = await StartAsync("--Shutdown:DrainDelay=00:00:10");
        var code = await product.Owner.CreateLinkAsync();
        var before = await product.Anonymous.GetAsync($"/{code}");

        product.Terminate();
        await Eventually.ReadAsync(() => product.Anonymous.GetAsync("/health/ready"), reply => reply.Status == 503, "/health/ready says no");
        using var stranger = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false }) { BaseAddress = product.Http.BaseAddress };
        var after = await new ApiClient(stranger, null).GetAsync($"/{code}");

        Assert.Equal((302, null), (before.Status, before.Header("Connection")));
        Assert.Equal((302, "close"), (after.Status, after.Header("Connection")));
        Assert.Equal(0, await product.WaitForExitAsync());
    }
}
