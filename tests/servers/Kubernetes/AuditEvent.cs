using System.Text.Json;

namespace UrlShortener.TestServers.Kubernetes;

/// <summary>One answered request, as the API server's audit log has it.</summary>
public sealed record AuditEvent
{
    /// <summary>What was asked for: <c>create</c>, <c>update</c>, <c>patch</c>, <c>delete</c>, <c>deletecollection</c>, <c>get</c>, <c>list</c>,
    /// <c>watch</c>.</summary>
    public required string Verb { get; init; }

    /// <summary>Who asked, such as <c>admin</c>, <c>system:kube-controller-manager</c> or <c>system:serviceaccount:NAMESPACE:NAME</c>.</summary>
    public required string User { get; init; }

    /// <summary>What the client calls itself.</summary>
    public required string UserAgent { get; init; }

    /// <summary>Path and query, which holds <c>fieldManager</c> where one was given.</summary>
    public required string RequestUri { get; init; }

    /// <summary>API group; empty for the core group.</summary>
    public required string Group { get; init; }

    /// <summary>Plural name of the kind, such as <c>pods</c>.</summary>
    public required string Resource { get; init; }

    /// <summary>Such as <c>status</c> or <c>binding</c>; empty for the object itself.</summary>
    public required string Subresource { get; init; }

    /// <summary>Namespace; empty for objects without one and lists of all.</summary>
    public required string Namespace { get; init; }

    /// <summary>Name of the object; empty where the request holds none.</summary>
    public required string Name { get; init; }

    /// <summary>Status of the answer, such as 201; 0 where there was none.</summary>
    public required int Code { get; init; }

    /// <summary>When the API server received the request.</summary>
    public required DateTimeOffset ReceivedAt { get; init; }

    /// <summary>Whether the request asked for a change, granted or not.</summary>
    public bool IsWrite => Verb is not ("get" or "list" or "watch");

    /// <summary>Reads one line of the log.</summary>
    internal static AuditEvent Parse(string line)
    {
        using var document = JsonDocument.Parse(line);
        var root = document.RootElement;
        var code = root.TryGetProperty("responseStatus", out var status) && status.TryGetProperty("code", out var value) ? value.GetInt32() : 0;
        var target = root.TryGetProperty("objectRef", out var reference) ? reference : default;
        return new AuditEvent
        {
            Verb = Text(root, "verb"),
            User = Text(root.GetProperty("user"), "username"),
            UserAgent = Text(root, "userAgent"),
            RequestUri = Text(root, "requestURI"),
            Group = Text(target, "apiGroup"),
            Resource = Text(target, "resource"),
            Subresource = Text(target, "subresource"),
            Namespace = Text(target, "namespace"),
            Name = Text(target, "name"),
            Code = code,
            ReceivedAt = root.GetProperty("requestReceivedTimestamp").GetDateTimeOffset(),
        };
    }

    private static string Text(JsonElement parent, string name) =>
        parent.ValueKind == JsonValueKind.Object && parent.TryGetProperty(name, out var value) ? value.GetString() ?? "" : "";
}
