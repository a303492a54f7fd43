using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>What became of a request to replace the generated password of a store.</summary>
internal sealed record PasswordRotationStatus
{
    /// <summary>The value of the annotation.</summary>
    [Description("Value of the annotation.")]
    [Length(0, 128)]
    public string Request { get; init; } = "";

    /// <summary>One of <see cref="PasswordRotationState"/>.</summary>
    [Description("Started: the former password is still valid. Done: it is refused, and no connection that was made with it is left.")]
    [OneOf(PasswordRotationState.Started, PasswordRotationState.Done)]
    public string State { get; init; } = PasswordRotationState.Started;

    /// <summary>A sentence for people.</summary>
    [Description("What the rotation waits for, or that it is done.")]
    [Length(0, 512)]
    public string Message { get; init; } = "";

    /// <summary>When it began.</summary>
    [Description("Time at which the rotation began.")]
    public DateTime? StartedAt { get; init; }

    /// <summary>When it ended.</summary>
    [Description("Time at which the rotation ended. Absent before.")]
    public DateTime? FinishedAt { get; init; }
}

/// <summary>Values of <see cref="PasswordRotationStatus.State"/>.</summary>
internal static class PasswordRotationState
{
    /// <summary>The former password is still valid.</summary>
    public const string Started = nameof(Started);

    /// <summary>Only the new one is.</summary>
    public const string Done = nameof(Done);
}
