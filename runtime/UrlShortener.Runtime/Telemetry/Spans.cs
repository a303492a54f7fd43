using System.Data.Common;
using System.Diagnostics;

namespace UrlShortener.Runtime.Telemetry;

/// <summary>
/// Spans of this process, named and described by OpenTelemetry's conventions. While traces are off nobody listens, and each method returns null after one
/// comparison. No span has a target, a credential, an address or a name of a client, or the message of an exception, which may quote one of them.
/// </summary>
internal static class Spans
{
    /// <summary>Name of the source.</summary>
    public const string SourceName = "UrlShortener.Runtime";

    /// <summary>Value of <c>db.system.name</c>.</summary>
    public const string Postgres = "postgresql";

    /// <summary>Value of <c>db.system.name</c>.</summary>
    public const string ClickHouse = "clickhouse";

    /// <summary>Value of <c>db.system.name</c>.</summary>
    public const string Redis = "redis";

    /// <summary>Value of <c>db.system.name</c>.</summary>
    public const string Sqlite = "sqlite";

    private static readonly ActivitySource Source = new(SourceName);

    /// <summary>Starts the span of a request.</summary>
    /// <param name="method">Method of the request.</param>
    /// <param name="parent">The trace to continue; the default: a new one begins.</param>
    public static Activity? StartRequest(string method, ActivityContext parent) => Source.StartActivity(method, ActivityKind.Server, parent);

    /// <summary>Starts a span of work within a request; null outside of one, and in one that is not recorded.</summary>
    public static Activity? Start(string name) => IsRecording() ? Source.StartActivity(name) : null;

    /// <summary>Starts a span of a call to a store within a request; null outside of one: polls and probes would hide what matters.</summary>
    /// <param name="system">The store.</param>
    /// <param name="operation">What is called, or the method that calls.</param>
    public static Activity? StartCall(string system, string operation)
    {
        if (!IsRecording())
            return null;
        const string Suffix = "Async";
        var name = operation.EndsWith(Suffix, StringComparison.Ordinal) ? operation[..^Suffix.Length] : operation;
        return Source.StartActivity($"{name} {system}", ActivityKind.Client)?.SetTag("db.system.name", system).SetTag("db.operation.name", name);
    }

    /// <summary>Starts a trace of work that belongs to no request.</summary>
    public static Activity? StartWork(string name) => Source.StartActivity(name, ActivityKind.Internal, default(ActivityContext));

    /// <summary>Marks a span as failed. Only the type of the error is recorded.</summary>
    public static void Fail(this Activity? span, Exception error)
    {
        if (span is null)
            return;
        // What wraps an error says less than its cause.
        span.SetStatus(ActivityStatusCode.Error).SetTag("error.type", error.GetBaseException().GetType().FullName);
        if ((error as DbException ?? error.InnerException as DbException)?.SqlState is { } state)
            span.SetTag("db.response.status_code", state);
    }

    private static bool IsRecording() => Source.HasListeners() && Activity.Current is { IsAllDataRequested: true };
}
