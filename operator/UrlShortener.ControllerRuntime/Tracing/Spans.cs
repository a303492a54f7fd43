using System.Diagnostics;

namespace UrlShortener.ControllerRuntime.Tracing;

/// <summary>
/// Spans of reconciles and of the requests that they make. While traces are off nobody listens, and each method returns null after one comparison. No span has
/// the content of an object, or the message of an exception, which may quote it.
/// </summary>
public static class Spans
{
    /// <summary>Name of the source.</summary>
    public const string SourceName = "UrlShortener.ControllerRuntime";

    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>Starts the trace of a reconcile.</summary>
    /// <param name="controller">Name of the controller.</param>
    /// <param name="kind">Kind of the object.</param>
    /// <param name="space">Its namespace.</param>
    /// <param name="name">Its name.</param>
    internal static Activity? StartReconcile(string controller, string kind, string space, string name) =>
        Describe(Source.StartActivity($"reconcile {controller}", ActivityKind.Internal, default(ActivityContext)), kind, space, name)
            ?.SetTag("controller.name", controller);

    /// <summary>Starts the span of a request about objects within a reconcile; null outside of one: watches and leases would hide what matters.</summary>
    /// <param name="verb">What is done.</param>
    /// <param name="kind">Kind of the object.</param>
    /// <param name="space">Its namespace.</param>
    /// <param name="name">Its name; null: several objects.</param>
    internal static Activity? StartRequest(string verb, string kind, string space, string? name) => Describe(StartCall($"{verb} {kind}"), kind, space, name);

    /// <summary>Starts the span of any other call within a reconcile; null outside of one.</summary>
    public static Activity? StartCall(string name) =>
        Source.HasListeners() && Activity.Current is { IsAllDataRequested: true } ? Source.StartActivity(name, ActivityKind.Client) : null;

    /// <summary>Marks a span as failed. Only the type of the error is recorded.</summary>
    public static void Fail(this Activity? span, Exception error) =>
        span?.SetStatus(ActivityStatusCode.Error).SetTag("error.type", error.GetBaseException().GetType().FullName);

    /// <summary>Gives a request the context of the current span (W3C Trace Context). Our clients' handlers do not: they would name a span that is never
    /// exported.</summary>
    public static void Propagate(HttpRequestMessage request)
    {
        if (Activity.Current is { } span)
            DistributedContextPropagator.Current.Inject(
                span,
                request,
                static (carrier, name, value) => ((HttpRequestMessage)carrier!).Headers.TryAddWithoutValidation(name, value)
            );
    }

    private static Activity? Describe(Activity? span, string kind, string space, string? name)
    {
        if (span is not { IsAllDataRequested: true })
            return span;
        span.SetTag("k8s.object.kind", kind);
        // Objects of the whole cluster have none.
        if (space.Length > 0)
            span.SetTag("k8s.namespace.name", space);
        return name is null ? span : span.SetTag("k8s.object.name", name);
    }
}
