namespace UrlShortener.Runtime.Links;

/// <summary>
/// Orders the states of a link. A database that was restored, or that took over with a loss, issues numbers a second time. The epoch that is opened afterwards
/// makes its states newer than all lost ones, whatever their numbers.
/// </summary>
/// <param name="Epoch">The epoch in force when the state was read or made; 0 before any was opened.</param>
/// <param name="Number">1 at creation, one more with every change; 0: no state, older than all of its epoch.</param>
internal readonly record struct StateVersion(int Epoch, int Number)
{
    /// <summary>Whether the left one is older.</summary>
    public static bool operator <(StateVersion left, StateVersion right) =>
        left.Epoch < right.Epoch || (left.Epoch == right.Epoch && left.Number < right.Number);

    /// <summary>Whether the left one is newer.</summary>
    public static bool operator >(StateVersion left, StateVersion right) => right < left;

    /// <summary>Whether the left one is not newer.</summary>
    public static bool operator <=(StateVersion left, StateVersion right) => !(right < left);

    /// <summary>Whether the left one is not older.</summary>
    public static bool operator >=(StateVersion left, StateVersion right) => !(left < right);

    /// <summary>The newer of two.</summary>
    public static StateVersion Newest(StateVersion left, StateVersion right) => left < right ? right : left;
}
