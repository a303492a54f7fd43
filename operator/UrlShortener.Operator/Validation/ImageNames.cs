namespace UrlShortener.Operator.Validation;

/// <summary>References of container images.</summary>
internal static class ImageNames
{
    /// <summary>A warning when the image may be another one tomorrow; null when it is pinned.</summary>
    public static string? WarnAbout(string field, string image)
    {
        if (image.Contains('@', StringComparison.Ordinal))
            return null;
        var name = image[(image.LastIndexOf('/') + 1)..];
        var colon = name.IndexOf(':', StringComparison.Ordinal);
        return colon < 0 || name[(colon + 1)..] == "latest"
            ? $"{field} is {image}, which may be another image tomorrow: pods would differ. Use a tag of a release, or a digest."
            : null;
    }
}
