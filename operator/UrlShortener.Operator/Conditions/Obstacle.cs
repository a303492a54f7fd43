namespace UrlShortener.Operator.Conditions;

/// <summary>Why the operator leaves an object alone until somebody changes something.</summary>
/// <param name="Reason">One of <see cref="Reasons"/>.</param>
/// <param name="Message">What is wrong and what to do, for people.</param>
internal sealed record Obstacle(string Reason, string Message);
