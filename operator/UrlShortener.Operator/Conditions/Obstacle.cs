namespace UrlShortener.Operator.Conditions;

/// <summary>Why an object is not ready: a reason and a message for a condition.</summary>
/// <param name="Reason">One of <see cref="Reasons"/>.</param>
/// <param name="Message">The problem and the remedy, for people.</param>
internal sealed record Obstacle(string Reason, string Message);
