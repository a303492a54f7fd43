using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace UrlShortener.Monitoring.Tests.Paging;

/// <summary>A notification of Alertmanager.</summary>
/// <param name="Path">Which receiver it is for.</param>
/// <param name="Authorization">The header.</param>
/// <param name="Body">What was sent.</param>
internal sealed record Notification(string Path, string Authorization, JsonElement Body)
{
    /// <summary>Whether it tells that an alert fires, or has resolved. In a webhook by the alert's name, in a message of a channel by its runbook.</summary>
    public bool Tells(string alert, string state)
    {
        if (Body.TryGetProperty("attachments", out var attachments))
        {
            var message = attachments[0];
            return message.GetProperty("title").GetString()!.StartsWith(state.ToUpperInvariant(), StringComparison.Ordinal)
                && message.GetProperty("text").GetString()!.Contains($"/{alert}.md", StringComparison.Ordinal);
        }

        return Body.TryGetProperty("alerts", out var alerts)
            && alerts
                .EnumerateArray()
                .Any(each => each.GetProperty("status").GetString() == state && each.GetProperty("labels").GetProperty("alertname").GetString() == alert);
    }
}

/// <summary>Receives notifications on loopback: the pager, the channel, PagerDuty and the dead man's switch.</summary>
internal sealed class Receiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<Notification> _received = new();

    private Receiver(WebApplication app) => _app = app;

    /// <summary>Its address.</summary>
    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    /// <summary>All so far, the oldest first.</summary>
    public IReadOnlyList<Notification> Received => [.. _received];

    /// <summary>Starts it.</summary>
    public static async Task<Receiver> StartAsync(CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var receiver = new Receiver(builder.Build());
        receiver._app.MapPost("/{name}", receiver.TakeAsync);
        await receiver._app.StartAsync(cancellationToken);
        return receiver;
    }

    /// <summary>What a receiver got.</summary>
    public IReadOnlyList<Notification> Of(string name) => [.. _received.Where(each => each.Path == name)];

    /// <inheritdoc />
    public ValueTask DisposeAsync() => _app.DisposeAsync();

    /// <summary>For messages.</summary>
    public override string ToString() =>
        string.Join(
            '\n',
            _received.Where(each => each.Path != "watchdog").Select(each => string.Create(CultureInfo.InvariantCulture, $"{each.Path}: {each.Body}"))
        );

    private async Task<IResult> TakeAsync(string name, HttpContext context)
    {
        using var body = await JsonDocument.ParseAsync(context.Request.Body, cancellationToken: context.RequestAborted);
        _received.Enqueue(new Notification(name, context.Request.Headers.Authorization.ToString(), body.RootElement.Clone()));
        return Results.Accepted(value: new { status = "success" });
    }
}
