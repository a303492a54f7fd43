using UrlShortener.Operator.Apply;

namespace UrlShortener.Operator.Postgres;

/// <summary>What is left of the app's former role.</summary>
/// <param name="CanLogIn">Whether it may log in.</param>
/// <param name="Sessions">Its connections.</param>
internal sealed record FormerRole(bool CanLogIn, IReadOnlyList<FormerSession> Sessions);

/// <summary>Connections of the former role from one address.</summary>
/// <param name="Address">The address; empty: the pod of the member itself.</param>
/// <param name="Application">The name that the client gave.</param>
/// <param name="Count">How many.</param>
internal sealed record FormerSession(string Address, string Application, long Count);

/// <summary>The next step to end the app's former password. Pure.</summary>
internal abstract record PasswordRetirement
{
    /// <summary>Name of the runtime's connections.</summary>
    public const string Application = "url-shortener";

    /// <summary>The next step.</summary>
    /// <param name="primary">The primary.</param>
    /// <param name="members">What all members answer; null: nothing.</param>
    /// <param name="isStrict">Whether members that do not answer count: a rotation is done only when nobody can have a connection that was made with the former
    /// password. Otherwise it is enough that the primary refuses it.</param>
    /// <param name="names">Names of pods by address.</param>
    public static PasswordRetirement Next(
        string primary,
        IReadOnlyDictionary<string, FormerRole?> members,
        bool isStrict,
        IReadOnlyDictionary<string, string> names
    )
    {
        if (members.GetValueOrDefault(primary) is not { } current)
            return new Wait($"Waiting for {primary}, which does not answer");
        if ((isStrict || current.CanLogIn) && members.Where(member => member.Value is null).Select(member => member.Key).Order().ToList() is [var silent, ..])
            return new Wait($"Waiting for {silent}, which does not answer");
        if (current.CanLogIn)
        {
            var users = members.Values.SelectMany(member => member?.Sessions ?? []).Where(session => session.Application == Application);
            return PasswordRotation.WaitFor(users.Select(session => session.Address), names) is { } waits ? new Wait(waits) : new Refuse();
        }

        var rest = members
            .Where(member => member.Value is { } answer && (answer.CanLogIn || answer.Sessions.Count > 0))
            .Select(member => member.Key)
            .Order(StringComparer.Ordinal)
            .ToList();
        return rest.Count > 0 ? new End(rest) : new Done();
    }

    /// <summary>Nothing can be done now.</summary>
    /// <param name="For">What it waits for.</param>
    public sealed record Wait(string For) : PasswordRetirement;

    /// <summary>No process of the app uses it: the primary refuses it from now on.</summary>
    public sealed record Refuse : PasswordRetirement;

    /// <summary>It is refused; connections of other clients end, and replicas learn of it.</summary>
    /// <param name="Members">The members.</param>
    public sealed record End(IReadOnlyList<string> Members) : PasswordRetirement;

    /// <summary>Nothing is left of it.</summary>
    public sealed record Done : PasswordRetirement;
}
