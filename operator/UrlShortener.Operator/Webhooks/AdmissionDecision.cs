using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Webhooks;

/// <summary>What is answered to a request.</summary>
/// <param name="Refusal">Why it may not pass; null: it may.</param>
/// <param name="Code">HTTP status of the refusal.</param>
/// <param name="Warnings">Sentences for the user, whether it passes or not.</param>
internal sealed record AdmissionDecision(string? Refusal, int Code, IReadOnlyList<string> Warnings)
{
    /// <summary>It may pass, and nothing is to be said.</summary>
    public static readonly AdmissionDecision Allowed = new(null, StatusCodes.Status200OK, []);

    /// <summary>The specification decides.</summary>
    public static AdmissionDecision Of(IReadOnlyList<SpecProblem> problems, IReadOnlyList<string> warnings) => problems.Count == 0
        ? new(null, StatusCodes.Status200OK, warnings)
        : new(string.Join(' ', problems), StatusCodes.Status422UnprocessableEntity, warnings);

    /// <summary>It may not pass.</summary>
    public static AdmissionDecision Refused(string why) => new(why, StatusCodes.Status403Forbidden, []);

    /// <summary>The answer to a question.</summary>
    public AdmissionResponse ToResponse(string uid) => new()
    {
        Uid = uid,
        Allowed = Refusal is null,
        Status = Refusal is null ? null : new AdmissionStatus(Code, Refusal),
        Warnings = Warnings.Count == 0 ? null : Warnings,
    };
}
