using System.Diagnostics;
using Microsoft.AspNetCore.Http.Metadata;

namespace UrlShortener.Runtime.Telemetry;

/// <summary>An endpoint in whose metadata this is serves the platform: probes, metrics, commands of the operator. Its requests are not traffic.</summary>
internal sealed class NoTraffic
{
    /// <summary>The one instance.</summary>
    public static NoTraffic Instance { get; } = new();
}

/// <summary>Counts and times requests by operation. Outside of everything that can fail, so that it sees the status that the client got. Redirects count
/// themselves, because no middleware runs for them.</summary>
internal sealed class RequestMetricsMiddleware(RequestDelegate next)
{
    private static readonly int[] AnyTime = [MeasuredOperation.ClientClosedRequest, StatusCodes.Status500InternalServerError];

    /// <summary>Passes the request on and measures it.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        var metadata = context.GetEndpoint()?.Metadata;
        if (metadata?.GetMetadata<NoTraffic>() is not null)
        {
            await next(context);
            return;
        }

        var operation = metadata?.GetMetadata<MeasuredOperation>() ?? MeasuredOperation.Other;
        var started = Stopwatch.GetTimestamp();
        // Until the pipeline returns: the server answers an exception with this status.
        var status = StatusCodes.Status500InternalServerError;
        try
        {
            await next(context);
            status = context.Response.StatusCode;
        }
        finally
        {
            // What fails because nobody waits for the answer any more is not our failure.
            if (status >= StatusCodes.Status500InternalServerError && context.RequestAborted.IsCancellationRequested)
                status = MeasuredOperation.ClientClosedRequest;
            operation.Count(status, Stopwatch.GetElapsedTime(started).TotalSeconds);
        }
    }

    /// <summary>Creates the series of every documented status, so that a rate sees the first request of each.</summary>
    public static void Prepare(IEnumerable<Endpoint> endpoints)
    {
        foreach (var endpoint in endpoints)
        {
            if (endpoint.Metadata.GetMetadata<MeasuredOperation>() is not { } operation)
                continue;
            var documented = endpoint.Metadata.GetOrderedMetadata<IProducesResponseTypeMetadata>().Select(response => response.StatusCode);
            foreach (var status in documented.Concat(AnyTime))
                operation.CountOf(status);
        }

        foreach (var status in new[] { StatusCodes.Status200OK, StatusCodes.Status404NotFound, StatusCodes.Status405MethodNotAllowed }.Concat(AnyTime))
            MeasuredOperation.Other.CountOf(status);
    }
}
