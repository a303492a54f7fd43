using System.Globalization;

namespace UrlShortener.Operator.Validation;

/// <summary>Container image references.</summary>
internal static class ImageNames
{
    // A date or the number of a build is no version.
    private const int MaxMajor = 100;

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

    /// <summary>The major version in the tag of an image whose repository has a name, such as 7 for <c>registry.example/redis:7.2-alpine</c>; null: none.</summary>
    public static int? MajorOf(string image, string repository)
    {
        var tagged = image.Split('@')[0];
        return
            tagged[(tagged.LastIndexOf('/') + 1)..].Split(':') is [var name, var tag]
            && name == repository
            && int.TryParse(string.Concat(tag.TakeWhile(char.IsAsciiDigit)), NumberStyles.None, CultureInfo.InvariantCulture, out var major)
            && major < MaxMajor
            ? major
            : null;
    }
}
