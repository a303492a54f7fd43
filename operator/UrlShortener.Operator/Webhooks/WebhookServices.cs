using System.Net;
using System.Security.Authentication;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection.Extensions;
using UrlShortener.ControllerRuntime.Events;

namespace UrlShortener.Operator.Webhooks;

/// <summary>Registers the webhook and serves it.</summary>
internal static class WebhookServices
{
    private const string ReadyTag = "ready";

    /// <summary>Adds the webhook. Needs an <c>IKubernetes</c> of the local cluster.</summary>
    /// <param name="services">The services.</param>
    /// <param name="options">The settings.</param>
    /// <param name="address">Address to listen on; null: all.</param>
    public static IServiceCollection AddWebhooks(this IServiceCollection services, WebhookOptions options, IPAddress? address = null)
    {
        WebhookMetrics.Prepare();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<EventRecorder>();
        services.AddSingleton(options);
        services.AddSingleton<CertificateSecret>();
        services.AddSingleton<WebhookConfiguration>();
        services.AddSingleton<ServingCertificate>();
        services.AddSingleton<ScaledObjects>();
        services.AddSingleton<AdmissionEndpoint>();
        services.AddHostedService<CertificateWorker>();
        services.AddSingleton(OwnAddress.Of(address, options.Port));
        services.AddSingleton<AdmissionWarmup>();
        services.AddHostedService(provider => provider.GetRequiredService<AdmissionWarmup>());
        services.AddHealthChecks().AddCheck<AdmissionCheck>("webhook", tags: [ReadyTag]);
        return services;
    }

    /// <summary>Listens on the port of the webhook. Each new connection uses the newest certificate.</summary>
    /// <param name="kestrel">The server.</param>
    /// <param name="address">Address to listen on; null: all.</param>
    public static void ListenWebhooks(this KestrelServerOptions kestrel, IPAddress? address = null)
    {
        var options = kestrel.ApplicationServices.GetRequiredService<WebhookOptions>();
        var serving = kestrel.ApplicationServices.GetRequiredService<ServingCertificate>();
        if (address is null)
            kestrel.ListenAnyIP(options.Port, UseNewest);
        else
            kestrel.Listen(address, options.Port, UseNewest);

        void UseNewest(ListenOptions listen) =>
            listen.UseHttps(https =>
            {
                https.SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13;
                https.ServerCertificateSelector = (_, _) => serving.Current;
            });
    }

    /// <summary>Maps the webhook on its own port only.</summary>
    public static void MapWebhooks(this IEndpointRouteBuilder endpoints)
    {
        var endpoint = endpoints.ServiceProvider.GetRequiredService<AdmissionEndpoint>();
        var port = endpoints.ServiceProvider.GetRequiredService<WebhookOptions>().Port;
        endpoints.MapPost(
            AdmissionEndpoint.Path,
            context =>
            {
                // Checks the local port, because the Host header has the port of the Service.
                if (context.Connection.LocalPort == port)
                    return endpoint.AnswerAsync(context);
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
            }
        );
    }
}
