using Microsoft.AspNetCore.Connections;
using UrlShortener.Contracts;
using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Http;

/// <summary>
/// Separates what the platform asks (metrics, probes, key generation) from what visitors and clients of the API ask, by the port that a request arrived at. The
/// <c>Host</c> header would not do: the client chooses it. <c>/health</c> is in the API, and so on both.
/// </summary>
internal static class ManagementPort
{
    // Probes and scrapes. The bound for visitors does not apply: their connections must not make probes fail.
    private const int MostConnections = 256;

    private const string Health = "/health";
    private static readonly string[] Managed = ["/metrics", Health, "/kgs/v1"];

    /// <summary>Listens on the port, if one is set, on the addresses that the configuration names.</summary>
    public static void Listen(WebApplicationBuilder builder)
    {
        if (PortOf(builder.Configuration) is not { } port)
            return;
        var own = ListenAddresses.ForPort(builder.Configuration, port);
        if (ListenAddresses.AreEndpoints(builder.Configuration))
        {
            builder.Configuration.AddInMemoryCollection(
                own.Index().Select(url => KeyValuePair.Create($"{ListenAddresses.Endpoints}:Management{url.Index}:Url", (string?)url.Item))
            );
            return;
        }

        // The public ones first: others take the first one as the address of the product.
        builder.WebHost.UseUrls([.. ListenAddresses.Of(builder.Configuration).Select(address => address.Url), .. own]);
        builder.WebHost.UseSetting("Http_Ports", "");
        builder.WebHost.UseSetting("Https_Ports", "");
    }

    /// <summary>Refuses everything else on the port. Before routing, which runs redirects.</summary>
    public static void UseManagementPort(this WebApplication app)
    {
        if (PortOf(app.Configuration) is not { } port)
            return;
        app.Use(
            (context, next) =>
            {
                if (
                    context.Connection.LocalPort != port
                    || Array.Exists(Managed, path => context.Request.Path.StartsWithSegments(path, StringComparison.OrdinalIgnoreCase))
                )
                    return next(context);
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return Task.CompletedTask;
            }
        );
    }

    /// <summary>Hides its endpoints on all other ports. After routing: a redirect does not come this far, and so pays nothing.</summary>
    public static void UsePublicPorts(this WebApplication app)
    {
        if (PortOf(app.Configuration) is not { } port)
            return;
        app.Use(
            (context, next) =>
            {
                if (context.Connection.LocalPort != port && IsManagedOnly(context.Request.Path))
                    context.SetEndpoint(null);
                return next(context);
            }
        );
    }

    /// <summary>Serves a connection to the port, or closes it when too many are open.</summary>
    public static ConnectionDelegate Limit(ConnectionDelegate next)
    {
        var open = 0;
        return async connection =>
        {
            try
            {
                if (Interlocked.Increment(ref open) <= MostConnections)
                    await next(connection);
            }
            finally
            {
                Interlocked.Decrement(ref open);
            }
        };
    }

    /// <summary>The port; null: none of its own.</summary>
    public static int? PortOf(IConfiguration configuration) => configuration.GetValue<int?>(SettingNames.ManagementPort);

    private static bool IsManagedOnly(PathString path) =>
        Array.Exists(
            Managed,
            managed => path.StartsWithSegments(managed, StringComparison.OrdinalIgnoreCase, out var rest) && (managed != Health || rest.HasValue && rest != "/")
        );
}
