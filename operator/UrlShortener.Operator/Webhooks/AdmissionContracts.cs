using System.Text.Json;

namespace UrlShortener.Operator.Webhooks;

/// <summary>A request of the API server to validate something, or the answer (admission.k8s.io/v1). The operator ignores other fields.</summary>
internal sealed record AdmissionReview
{
    /// <summary>The supported version.</summary>
    public const string Version = "admission.k8s.io/v1";

    /// <summary>The kind's name.</summary>
    public const string KubeKind = "AdmissionReview";

    /// <summary><see cref="Version"/>.</summary>
    public string? ApiVersion { get; init; }

    /// <summary><see cref="KubeKind"/>.</summary>
    public string? Kind { get; init; }

    /// <summary>The request; null in an answer.</summary>
    public AdmissionRequest? Request { get; init; }

    /// <summary>The answer; null in a request.</summary>
    public AdmissionResponse? Response { get; init; }
}

/// <summary>The request to validate.</summary>
internal sealed record AdmissionRequest
{
    /// <summary>Identity of the request; the answer repeats it.</summary>
    public string? Uid { get; init; }

    /// <summary>Resource of the request.</summary>
    public AdmissionResource? Resource { get; init; }

    /// <summary>Subresource, such as <c>scale</c>; null or empty: the object.</summary>
    public string? SubResource { get; init; }

    /// <summary>The object's name; empty if the API server generates one.</summary>
    public string? Name { get; init; }

    /// <summary>The object's namespace.</summary>
    public string? Namespace { get; init; }

    /// <summary>CREATE, UPDATE or DELETE.</summary>
    public string? Operation { get; init; }

    /// <summary>The user.</summary>
    public AdmissionUser? UserInfo { get; init; }

    /// <summary>The new object; null for DELETE.</summary>
    public JsonElement? Object { get; init; }

    /// <summary>The current object; null for CREATE.</summary>
    public JsonElement? OldObject { get; init; }
}

/// <summary>A kind in API paths.</summary>
internal sealed record AdmissionResource
{
    /// <summary>Its API group.</summary>
    public string? Group { get; init; }

    /// <summary>Its plural name.</summary>
    public string? Resource { get; init; }
}

/// <summary>The user who sends a request.</summary>
internal sealed record AdmissionUser
{
    /// <summary>User name at the API server.</summary>
    public string? Username { get; init; }
}

/// <summary>The answer to a request.</summary>
internal sealed record AdmissionResponse
{
    /// <summary>Identity of the request.</summary>
    public required string Uid { get; init; }

    /// <summary>Whether the request is allowed.</summary>
    public required bool Allowed { get; init; }

    /// <summary>Why the request is refused; null if it is allowed.</summary>
    public AdmissionStatus? Status { get; init; }

    /// <summary>Warnings for the user; null: none.</summary>
    public IReadOnlyList<string>? Warnings { get; init; }
}

/// <summary>Why a request is refused.</summary>
/// <param name="Code">HTTP status for the user's client.</param>
/// <param name="Message">Sentences for people.</param>
internal sealed record AdmissionStatus(int Code, string Message);
