using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Webhooks;

/// <summary>The decision about a request.</summary>
/// <param name="Refusal">Why the request is refused; null: it is allowed.</param>
/// <param name="Code">HTTP status of the refusal.</param>
/// <param name="Warnings">Warnings for the user, whether it is allowed or not.</param>
internal sealed record AdmissionDecision(string? Refusal, int Code, IReadOnlyList<string> Warnings)
{
    /// <summary>Allowed without warnings.</summary>
    public static readonly AdmissionDecision Allowed = new(null, StatusCodes.Status200OK, []);

    /// <summary>Allowed if a specification has no problems.</summary>
    public static AdmissionDecision Of(IReadOnlyList<SpecProblem> problems, IReadOnlyList<string> warnings) =>
        problems.Count == 0
            ? new(null, StatusCodes.Status200OK, warnings)
            : new(string.Join(' ', problems), StatusCodes.Status422UnprocessableEntity, warnings);

    /// <summary>Refused.</summary>
    public static AdmissionDecision Refused(string why) => new(why, StatusCodes.Status403Forbidden, []);

    /// <summary>The answer for the API server.</summary>
    public AdmissionResponse ToResponse(string uid) =>
        new()
        {
            Uid = uid,
            Allowed = Refusal is null,
            Status = Refusal is null ? null : new AdmissionStatus(Code, Refusal),
            Warnings = Warnings.Count == 0 ? null : Warnings,
        };
}
