using Microsoft.AspNetCore.Http;
using UrlShortener.Runtime.Telemetry;
using Xunit;

namespace UrlShortener.Runtime.Tests.Telemetry;

public sealed class RequestMetricsTests
{
    // One of each test, so that nothing else counts in its series.
    private readonly MeasuredOperation _operation = new($"test{Guid.NewGuid():N}", isTimed: true);
    private readonly DefaultHttpContext _context = new();

    public RequestMetricsTests() => _context.SetEndpoint(NewEndpoint(_operation));

    [Fact]
    public async Task Request_HandlerThrows_CountsAs500()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(() => RunAsync(_ => throw new InvalidOperationException()));

        Assert.Equal((1.0, 0.0), (Count(500), Count(200)));
    }

    [Theory]
    [InlineData(200)]
    [InlineData(404)]
    [InlineData(503)]
    public async Task Request_Answered_CountsItsStatus(int status)
    {
        await RunAsync(SetAsync(status));

        Assert.Equal(1, Count(status));
    }

    [Theory]
    // The store failed after the client had gone: nobody got this answer.
    [InlineData(503, 499)]
    [InlineData(499, 499)]
    [InlineData(200, 200)]
    public async Task Request_ClientIsGone_IsNoErrorOfOurs(int status, int counted)
    {
        _context.RequestAborted = new CancellationToken(canceled: true);

        await RunAsync(SetAsync(status));

        Assert.Equal(1, Count(counted));
        Assert.Equal(counted == 503 ? 1 : 0, Count(503));
    }

    [Fact]
    public async Task Request_ClientIsGoneAndHandlerThrows_CountsAs499()
    {
        _context.RequestAborted = new CancellationToken(canceled: true);

        await Assert.ThrowsAsync<OperationCanceledException>(() => RunAsync(_ => throw new OperationCanceledException()));

        Assert.Equal((1.0, 0.0), (Count(499), Count(500)));
    }

    [Fact]
    public async Task Request_ForThePlatform_IsNotCounted()
    {
        _context.SetEndpoint(NewEndpoint(_operation, NoTraffic.Instance));

        await RunAsync(SetAsync(200));

        Assert.Equal(0, Count(200));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(1_000_000)]
    public void CountOf_NoStatusOfHttp_AddsNoSeriesWithoutEnd(int status) =>
        Assert.True(_operation.CountOf(status) == _operation.CountOf(100) || _operation.CountOf(status) == _operation.CountOf(599));

    private static Endpoint NewEndpoint(params object[] metadata) => new(null, new EndpointMetadataCollection(metadata), "test");

    private static RequestDelegate SetAsync(int status) =>
        context =>
        {
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        };

    private Task RunAsync(RequestDelegate handler) => new RequestMetricsMiddleware(handler).InvokeAsync(_context);

    private double Count(int status) => _operation.CountOf(status).Value;
}
