using System.Text.Json;
using Microsoft.AspNetCore.Http;
using UrlShortener.Runtime.Access;
using UrlShortener.Runtime.Regions;
using UrlShortener.Runtime.Tests.Regions;
using Xunit;

namespace UrlShortener.Runtime.Tests.Access;

public sealed class ReadOnlyMiddlewareTests
{
    private static readonly Endpoint OfTheApi = new(null, new EndpointMetadataCollection(new AccessMetadata(AccessLevel.Anonymous)), "api");

    private readonly WriteAccess _access = TestRegions.NewAccess();
    private int _passed;

    [Theory]
    [InlineData("POST")]
    [InlineData("PATCH")]
    [InlineData("DELETE")]
    public async Task Invoke_ChangeInAReadOnlyRegion_IsRefusedBeforeAnythingIsRead(string method)
    {
        _access.Note(TestRegions.Standby);
        var context = New(method, OfTheApi);
        context.Request.Body = new UnreadableStream();

        await RunAsync(context);

        Assert.Equal(0, _passed);
        Assert.Equal(503, context.Response.StatusCode);
        Assert.Equal("5", context.Response.Headers.RetryAfter);
        var problem = JsonDocument.Parse(((MemoryStream)context.Response.Body).ToArray()).RootElement;
        Assert.Equal("READ_ONLY_REGION", problem.GetProperty("code").GetString());
        Assert.Equal(5, problem.GetProperty("retry_after").GetInt32());
        Assert.Contains("the region eu does", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("HEAD")]
    public async Task Invoke_ReadInAReadOnlyRegion_Passes(string method)
    {
        _access.Note(TestRegions.Standby);

        await RunAsync(New(method, OfTheApi));

        Assert.Equal(1, _passed);
    }

    [Fact]
    public async Task Invoke_NoSuchAddressOrMethod_Passes()
    {
        _access.Note(TestRegions.Standby);

        await RunAsync(New("PUT", null));
        await RunAsync(New("PUT", new Endpoint(null, EndpointMetadataCollection.Empty, "405")));

        Assert.Equal(2, _passed);
    }

    [Fact]
    public async Task Invoke_RegionTakesChanges_Passes()
    {
        _access.Note(TestRegions.Fenced);
        _access.Note(null);

        await RunAsync(New("POST", OfTheApi));

        Assert.Equal(1, _passed);
    }

    private static DefaultHttpContext New(string method, Endpoint? endpoint)
    {
        var context = new DefaultHttpContext();
        context.Request.Method = method;
        context.Response.Body = new MemoryStream();
        context.SetEndpoint(endpoint);
        return context;
    }

    private Task RunAsync(HttpContext context) =>
        new ReadOnlyMiddleware(
            _ =>
            {
                _passed++;
                return Task.CompletedTask;
            },
            _access
        ).InvokeAsync(context);

    private sealed class UnreadableStream : MemoryStream
    {
        public override int Read(byte[] buffer, int offset, int count) => throw new InvalidOperationException("The body was read.");

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            throw new InvalidOperationException("The body was read.");
    }
}
