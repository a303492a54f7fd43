namespace UrlShortener.Operator.Validation;

/// <summary>A reason to refuse a specification.</summary>
/// <param name="Field">Path of the field, starting with <c>spec</c>, or <c>metadata.name</c>.</param>
/// <param name="Message">The problem, the limit and the remedy, in one or two sentences.</param>
internal sealed record SpecProblem(string Field, string Message)
{
    /// <summary>The text that the user reads.</summary>
    public override string ToString() => $"{Field}: {Message}";
}
