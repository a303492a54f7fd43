namespace UrlShortener.Operator.Validation;

/// <summary>Why a specification is refused.</summary>
/// <param name="Field">Path of the field, from <c>spec</c>.</param>
/// <param name="Message">What is wrong, the limit, and what to do: one or two sentences.</param>
internal sealed record SpecProblem(string Field, string Message)
{
    /// <summary>As the user reads it.</summary>
    public override string ToString() => $"{Field}: {Message}";
}
