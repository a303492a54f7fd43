namespace UrlShortener.Operator.Conditions;

/// <summary>Why an object is not ready: a reason and a message for a condition.</summary>
/// <param name="Reason">One of <see cref="Reasons"/>.</param>
/// <param name="Message">The problem and the remedy, for people.</param>
internal sealed record Obstacle(string Reason, string Message)
{
    /// <summary>One obstacle with the messages of all, and the reason of the first; null: there is none.</summary>
    public static Obstacle? Of(params IEnumerable<Obstacle?> obstacles)
    {
        var all = obstacles.OfType<Obstacle>().Distinct().ToList();
        return all.Count < 2 ? all.FirstOrDefault() : all[0] with { Message = string.Join(' ', all.Select(obstacle => obstacle.Message)) };
    }
}
