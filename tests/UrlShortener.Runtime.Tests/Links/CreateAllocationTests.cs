using System.Net;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Storage;
using UrlShortener.TestHarness.Product;
using Xunit;

namespace UrlShortener.Runtime.Tests.Links;

/// <summary>
/// What a create allocates, on whichever threads: reading the request, storing the link in SQLite, and the answer. It runs alone, since the whole process is
/// measured.
/// </summary>
[Collection(nameof(CreateAllocationTests))]
[CollectionDefinition(nameof(CreateAllocationTests), DisableParallelization = true)]
public sealed class CreateAllocationTests : IAsyncLifetime
{
    private readonly TestFolder _folder = new();
    private WebApplication _app = null!;

    public ValueTask InitializeAsync()
    {
        var builder = Startup.CreateBuilder([$"--Storage:DataDirectory={_folder.PathOf("data")}"]).Builder!;
        builder.Services.AddRuntime(builder.Configuration);
        _app = builder.Build();
        _app.Services.GetRequiredService<IDatabase>().Migrate();
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _folder.Dispose();
    }

    [Fact]
    public async Task Create_OneLink_AllocatesLittle()
    {
        const int links = 400;
        var endpoints = _app.Services.GetRequiredService<LinkEndpoints>();
        await CreateAsync(endpoints, NewRequests(links));
        var requests = NewRequests(links);

        var before = GC.GetTotalAllocatedBytes(precise: true);
        await CreateAsync(endpoints, requests);
        var bytes = (GC.GetTotalAllocatedBytes(precise: true) - before) / links;

        TestContext.Current.TestOutputHelper?.WriteLine($"{bytes} bytes");
        // About 8,300 when this was written.
        Assert.InRange(bytes, 1, 16_000);
    }

    // Several at a time share a commit, as under load, so that the test does not wait for the disk each time.
    private static async Task CreateAsync(LinkEndpoints endpoints, IReadOnlyList<Request> requests)
    {
        foreach (var some in requests.Chunk(20))
        {
            await Task.WhenAll(Array.ConvertAll(some, request => endpoints.CreateAsync(request.Context)));
            foreach (var request in some)
            {
                Assert.Equal(StatusCodes.Status201Created, request.Context.Response.StatusCode);
                await request.CompleteAsync();
            }
        }
    }

    private static List<Request> NewRequests(int count) => [.. Enumerable.Range(0, count).Select(i => new Request(i))];

    /// <summary>A request, and what is called when its answer is sent.</summary>
    private sealed class Request : HttpResponseFeature
    {
        private readonly Stack<(Func<object, Task> Call, object State)> _calls = [];

        public Request(int number)
        {
            Context = new DefaultHttpContext();
            Context.Features.Set<IHttpResponseFeature>(this);
            Context.Features.Set(new PublicBase("https://sho.rt", IsFixed: true));
            Context.Request.Method = "POST";
            Context.Request.Scheme = "https";
            Context.Request.Host = new HostString("sho.rt");
            Context.Request.Path = "/api/v1/urls";
            Context.Request.ContentType = "application/json";
            var body = Encoding.UTF8.GetBytes($$"""{"original_url":"https://www.example.org/some/path/{{number}}?campaign=spring","metadata":{"team":"a"} }""");
            Context.Request.ContentLength = body.Length;
            Context.Request.Body = new MemoryStream(body);
            Context.Connection.RemoteIpAddress = IPAddress.Loopback;
        }

        public DefaultHttpContext Context { get; }

        public override void OnCompleted(Func<object, Task> callback, object state) => _calls.Push((callback, state));

        public async Task CompleteAsync()
        {
            while (_calls.TryPop(out var next))
                await next.Call(next.State);
        }
    }
}
