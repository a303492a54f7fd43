using k8s.Models;

namespace UrlShortener.Operator.Conditions;

/// <summary>Builds the conditions of a status. Unchanged conditions keep their transition time, so that they cause no write.</summary>
internal sealed class ConditionList
{
    private const int MaxMessage = 1_024;

    private readonly IReadOnlyList<V1Condition> _former;
    private readonly long _generation;
    private readonly DateTime _now;
    private readonly List<V1Condition> _conditions = [];

    /// <param name="former">Conditions of the last status.</param>
    /// <param name="generation">Generation of the specification that they describe.</param>
    /// <param name="now">The time.</param>
    public ConditionList(IReadOnlyList<V1Condition>? former, long? generation, DateTimeOffset now)
    {
        _former = former ?? [];
        _generation = generation ?? 0;
        // The server stores whole seconds.
        _now = StatusTime.Of(now);
    }

    /// <summary>The conditions, in the order in which they were set.</summary>
    public IReadOnlyList<V1Condition> Conditions => _conditions;

    /// <summary>
    /// New conditions and those with another status than before, with their previous status. A stalled object, or traffic that is not published, with another
    /// cause than before counts as changed too.
    /// </summary>
    public IReadOnlyList<(V1Condition Condition, string? Former)> Changed =>
        [
            .. _conditions
                .Select(condition => (Condition: condition, Former: Find(_former, condition.Type)))
                .Where(change => change.Former?.Status != change.Condition.Status || IsOtherCause(change.Condition, change.Former))
                .Select(change => (change.Condition, change.Former?.Status)),
        ];

    /// <summary>Sets a condition.</summary>
    /// <param name="type">One of <see cref="ConditionTypes"/>.</param>
    /// <param name="status">Null: unknown.</param>
    /// <param name="reason">One of <see cref="Reasons"/>.</param>
    /// <param name="message">A sentence for people.</param>
    public void Set(string type, bool? status, string reason, string message)
    {
        var text = status switch
        {
            true => "True",
            false => "False",
            _ => "Unknown",
        };
        var former = Find(_former, type);
        _conditions.Add(
            new V1Condition
            {
                Type = type,
                Status = text,
                Reason = reason,
                Message = Texts.Cut(message, MaxMessage),
                ObservedGeneration = _generation,
                LastTransitionTime = former?.Status == text ? former.LastTransitionTime : _now,
            }
        );
    }

    /// <summary>Keeps the former conditions of some types, which another controller writes.</summary>
    public void Keep(IReadOnlyCollection<string> types) => _conditions.AddRange(_former.Where(condition => types.Contains(condition.Type)));

    /// <summary>Whether a condition is set and true.</summary>
    public bool IsTrue(string type) => Find(_conditions, type)?.Status == "True";

    private static bool IsOtherCause(V1Condition condition, V1Condition former) =>
        condition is { Type: ConditionTypes.Stalled, Status: "True" } or { Type: ConditionTypes.TrafficPublished, Status: "False" }
        && condition.Reason != former.Reason;

    private static V1Condition? Find(IReadOnlyList<V1Condition> conditions, string type) => conditions.FirstOrDefault(condition => condition.Type == type);
}
