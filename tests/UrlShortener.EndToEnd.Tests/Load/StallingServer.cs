using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace UrlShortener.EndToEnd.Tests.Load;

/// <summary>Redirects everything at once, but for one pause: from a certain request on it answers nothing for a second, and then all of it.</summary>
internal sealed class StallingServer : IAsyncDisposable
{
    /// <summary>How long it answers nothing.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly WebApplication _app;
    private readonly int _stallsAt;
    private readonly TaskCompletionSource _resumed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _requests;

    private StallingServer(int stallsAt)
    {
        _stallsAt = stallsAt;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    /// <summary>Its address.</summary>
    public Uri Address { get; private set; } = new("http://127.0.0.1");

    /// <summary>Starts a server whose pause begins with the request of a number, from 1.</summary>
    public static async Task<StallingServer> StartAsync(int stallsAt)
    {
        var server = new StallingServer(stallsAt);
        await server._app.StartAsync(CancellationToken.None);
        server.Address = new Uri(server._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
        return server;
    }

    /// <inheritdoc />
    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        var number = Interlocked.Increment(ref _requests);
        if (number == _stallsAt)
        {
            await Task.Delay(Pause, CancellationToken.None);
            _resumed.SetResult();
        }
        else if (number > _stallsAt)
        {
            await _resumed.Task;
        }

        context.Response.StatusCode = StatusCodes.Status302Found;
    }
}
