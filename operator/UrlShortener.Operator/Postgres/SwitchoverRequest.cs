using System.Globalization;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.Postgres;

/// <summary>
/// A value of the annotation <see cref="Labels.Switchover"/>: the next primary and the current timeline, such as <c>eu-postgres-1@4</c> or <c>any@4</c>. Each move
/// of the role opens a timeline, so that a request works once and may stay. Pure.
/// </summary>
/// <param name="Target">The next primary; null: any replica that can.</param>
/// <param name="Timeline">The timeline in which it is valid.</param>
internal sealed record SwitchoverRequest(string? Target, int Timeline)
{
    /// <summary>Instead of a member: any replica that can.</summary>
    public const string Any = "any";

    /// <summary>Characters of a value that are quoted.</summary>
    public const int MaxQuoted = 80;

    /// <summary>Reads a value; null: it is not valid.</summary>
    public static SwitchoverRequest? Parse(string value) =>
        value.Split('@') is [{ Length: > 0 } target, { } timeline] && int.TryParse(timeline, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? new SwitchoverRequest(target == Any ? null : target, number)
            : null;

    /// <summary>Follows the region's request: what the status tells of it, and the step that it asks for.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="memory">What is remembered.</param>
    /// <param name="members">The members that may become the primary.</param>
    public static (PostgresSwitchoverStatus? Status, RolloutStep.Switchover? Step) Follow(
        V1Alpha1ShortenerRegion region,
        ObservedPostgres observed,
        PostgresMemory memory,
        IReadOnlyList<string> members
    )
    {
        if (Labels.AnnotationOf(region.Metadata, Labels.Switchover) is not { Length: > 0 } value)
            return (null, null);
        var text = Texts.Cut(value, MaxQuoted);
        var former = region.Status?.Postgres?.Switchover is { } told && told.Request == text ? told : null;
        var request = Parse(value);
        if (observed.IsStandby)
            return (former?.State is SwitchoverState.Done or SwitchoverState.Refused ? former : Refuse("the region is a standby, which has none"), null);
        if (observed.Primary is not { Member.Timeline: { } timeline } primary || memory.Switchover is not null)
            return (former, null);
        if (former?.State == SwitchoverState.Started)
            return timeline > request?.Timeline
                ? (former with { State = SwitchoverState.Done, Message = $"{primary.Name} is the primary, in timeline {timeline}." }, null)
                : (Refuse("the primary did not move within the time"), null);
        if (former is not null)
            return (former, null);
        if (request is null)
            return (Refuse($"it is not the name of a member or {Any}, an @ and a timeline"), null);
        if (request.Timeline != timeline)
            return (Refuse(string.Create(CultureInfo.InvariantCulture, $"it names timeline {request.Timeline}, and the current one is {timeline}")), null);
        var target = request.Target ?? PostgresRollout.FindTarget(region, observed, members);
        if (target is null)
            return (Refuse("no replica can become the primary without the loss of writes"), null);
        if (PostgresRollout.FindObjection(region, observed, target) is { } objection)
            return (Refuse(objection), null);
        return (
            new PostgresSwitchoverStatus
            {
                Request = text,
                State = SwitchoverState.Started,
                Message = $"The primary moves from {primary.Name} to {target}.",
            },
            new RolloutStep.Switchover(primary.Name, target, $"annotation {Labels.Switchover} asks for it")
        );

        PostgresSwitchoverStatus Refuse(string why) =>
            new()
            {
                Request = text,
                State = SwitchoverState.Refused,
                Message = observed.Primary is { } stays ? $"The primary stays {stays.Name}: {why}." : $"The primary does not move: {why}.",
            };
    }
}
