using System.Text.Json;

namespace UrlShortener.Operator.Webhooks;

/// <summary>A question of the API server whether a request may pass, or the answer (admission.k8s.io/v1). What it holds beyond this is not read.</summary>
internal sealed record AdmissionReview
{
    /// <summary>The version that is spoken here.</summary>
    public const string Version = "admission.k8s.io/v1";

    /// <summary>The kind's name.</summary>
    public const string KubeKind = "AdmissionReview";

    /// <summary><see cref="Version"/>.</summary>
    public string? ApiVersion { get; init; }

    /// <summary><see cref="KubeKind"/>.</summary>
    public string? Kind { get; init; }

    /// <summary>The question; null in an answer.</summary>
    public AdmissionRequest? Request { get; init; }

    /// <summary>The answer; null in a question.</summary>
    public AdmissionResponse? Response { get; init; }
}

/// <summary>The request that is asked about.</summary>
internal sealed record AdmissionRequest
{
    /// <summary>Identity of the question; the answer repeats it.</summary>
    public string? Uid { get; init; }

    /// <summary>What the request is about.</summary>
    public AdmissionResource? Resource { get; init; }

    /// <summary>Part of the object, such as <c>scale</c>; null or empty: the object.</summary>
    public string? SubResource { get; init; }

    /// <summary>The object's name; empty when the API server is to make one.</summary>
    public string? Name { get; init; }

    /// <summary>The object's namespace.</summary>
    public string? Namespace { get; init; }

    /// <summary>CREATE, UPDATE or DELETE.</summary>
    public string? Operation { get; init; }

    /// <summary>Who asks.</summary>
    public AdmissionUser? UserInfo { get; init; }

    /// <summary>What is to be; null for DELETE.</summary>
    public JsonElement? Object { get; init; }

    /// <summary>What is; null for CREATE.</summary>
    public JsonElement? OldObject { get; init; }
}

/// <summary>A kind in paths of the API.</summary>
internal sealed record AdmissionResource
{
    /// <summary>Its API group.</summary>
    public string? Group { get; init; }

    /// <summary>Its plural name.</summary>
    public string? Resource { get; init; }
}

/// <summary>Who makes a request.</summary>
internal sealed record AdmissionUser
{
    /// <summary>Name as the API server knows it.</summary>
    public string? Username { get; init; }
}

/// <summary>Whether the request may pass.</summary>
internal sealed record AdmissionResponse
{
    /// <summary>The question's.</summary>
    public required string Uid { get; init; }

    /// <summary>Whether it may pass.</summary>
    public required bool Allowed { get; init; }

    /// <summary>Why not; null when it may.</summary>
    public AdmissionStatus? Status { get; init; }

    /// <summary>Sentences that the user's client shows; null: none.</summary>
    public IReadOnlyList<string>? Warnings { get; init; }
}

/// <summary>Why a request may not pass.</summary>
/// <param name="Code">HTTP status that the user's client gets.</param>
/// <param name="Message">Sentences for people.</param>
internal sealed record AdmissionStatus(int Code, string Message);
