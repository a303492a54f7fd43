namespace UrlShortener.Runtime.Links;

/// <summary>Status of a link for its visitors.</summary>
internal enum LinkStatus
{
    /// <summary>It leads to its target.</summary>
    Active,

    /// <summary>It has expired: 410.</summary>
    Expired,

    /// <summary>It is deactivated, expired or not: 404.</summary>
    Inactive,
}

/// <summary>The words for <see cref="LinkStatus"/> in the API.</summary>
internal static class LinkStatuses
{
    /// <summary>In the order of the values.</summary>
    public static IReadOnlyList<string> Words { get; } = ["active", "expired", "inactive"];

    /// <summary>The word for a status.</summary>
    public static string ToWord(this LinkStatus status) => Words[(int)status];

    /// <summary>The status of a word; null for anything else.</summary>
    public static LinkStatus? Parse(string? word) =>
        Words.Index().Where(entry => entry.Item == word).Select(entry => (LinkStatus?)entry.Index).FirstOrDefault();
}
