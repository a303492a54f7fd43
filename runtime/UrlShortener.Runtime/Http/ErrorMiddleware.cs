using UrlShortener.Runtime.Regions;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Http;

/// <summary>Outermost catch: turns a fault of this service or of the store into a proper error answer, and logs it once.</summary>
internal sealed partial class ErrorMiddleware(RequestDelegate next, IFailureClassifier failures, TimeProvider time, ILogger<ErrorMiddleware> logger)
{
    private static readonly Problem NotFound = Problem.Of(
        StatusCodes.Status404NotFound,
        ErrorCode.NotFound,
        "There is nothing at this address. The API is described at /docs."
    );

    private readonly Occasion _storeFailures = new(time, TimeSpan.FromSeconds(1));

    /// <summary>Runs the rest of the pipeline.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context);
            await AnswerUnroutedAsync(context);
        }
        catch (Exception) when (context.RequestAborted.IsCancellationRequested)
        {
            context.Response.StatusCode = context.Response.HasStarted ? context.Response.StatusCode : MeasuredOperation.ClientClosedRequest;
        }
        catch (BadHttpRequestException error) when (!context.Response.HasStarted)
        {
            await Problem.Of(error.StatusCode, ErrorCode.InvalidRequest, error.Message).WriteAsync(context);
        }
        // The region stopped taking changes while the request was under way.
        catch (ReadOnlyRegionException error) when (!context.Response.HasStarted)
        {
            context.Response.Clear();
            await Problem.OfReadOnly(error.Region).WriteAsync(context);
        }
        catch (Exception error) when (!context.Response.HasStarted)
        {
            var isStore = failures.IsUnavailable(error);
            if (!isStore)
                Log.Failed(logger, error, context.Request.Method);
            // While the store is unreachable any client can trigger these errors, and all have the same cause. So the log is throttled.
            else if (_storeFailures.TryPass(out var count))
                Log.StoreFailed(logger, error, count);
            context.Response.Clear();
            var problem = isStore
                ? Problem.Unavailable
                : Problem.Of(StatusCodes.Status500InternalServerError, ErrorCode.InternalError, "Something went wrong on our side. It was logged; try again.");
            await problem.WriteAsync(context);
        }
    }

    // Routing sets only a status when no endpoint matches the address, the method or the content type.
    private static Task AnswerUnroutedAsync(HttpContext context) =>
        context.Response is not { HasStarted: false, ContentLength: null, ContentType: null }
            ? Task.CompletedTask
            : context.Response.StatusCode switch
            {
                StatusCodes.Status404NotFound => PublicPages.WriteAsync(context, NotFound),
                StatusCodes.Status405MethodNotAllowed => Problem
                    .MethodNotAllowed(context.Request.Method, context.Response.Headers.Allow.ToString())
                    .WriteAsync(context),
                StatusCodes.Status415UnsupportedMediaType => RequestBody.NotJson.WriteAsync(context),
                _ => Task.CompletedTask,
            };

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "A {Method} request failed and was answered 500")]
        public static partial void Failed(ILogger logger, Exception error, string method);

        [LoggerMessage(2, LogLevel.Error, "The store failed; {Count} requests got 503 since the last such line")]
        public static partial void StoreFailed(ILogger logger, Exception error, long count);
    }
}
