namespace UrlShortener.Operator.Postgres;

/// <summary>One step at one member. Each may be repeated.</summary>
/// <param name="Member">The member.</param>
/// <param name="Because">Why, as a part of a sentence.</param>
internal abstract record RolloutStep(string Member, string Because)
{
    /// <summary>Deletes the pod of the member; the StatefulSet creates it from its current template.</summary>
    internal sealed record Replace(string Member, string Because) : RolloutStep(Member, Because);

    /// <summary>Deletes the pod of a member whose token is not valid any more; the StatefulSet creates it with another one.</summary>
    internal sealed record Renew(string Member, string Because) : RolloutStep(Member, Because);

    /// <summary>Restarts PostgreSQL in the member; its pod stays.</summary>
    internal sealed record Restart(string Member, string Because) : RolloutStep(Member, Because);

    /// <summary>Copies the primary anew into the member, or in the way of Patroni's configuration another one. Its data is deleted.</summary>
    /// <param name="Member">The member.</param>
    /// <param name="Because">Why.</param>
    /// <param name="OfPrimary">Whether it copies the member that leads.</param>
    internal sealed record Rebuild(string Member, string Because, bool OfPrimary = true) : RolloutStep(Member, Because);

    /// <summary>Moves the primary role from the member to another one.</summary>
    /// <param name="Member">The primary.</param>
    /// <param name="To">The next primary.</param>
    /// <param name="Because">Why.</param>
    internal sealed record Switchover(string Member, string To, string Because) : RolloutStep(Member, Because);
}
