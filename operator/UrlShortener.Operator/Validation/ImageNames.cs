namespace UrlShortener.Operator.Validation;

/// <summary>Container image references.</summary>
internal static class ImageNames
{
    /// <summary>A warning if the reference may resolve to different images over time; null if it is pinned.</summary>
    public static string? WarnAbout(string field, string image)
    {
        if (image.Contains('@', StringComparison.Ordinal))
            return null;
        var name = image[(image.LastIndexOf('/') + 1)..];
        var colon = name.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 || name[(colon + 1)..] == "latest"
            ? $"{field} is {image}, which may resolve to different images over time, so that pods differ. Use a release tag or a digest."
            : null;
    }
}
