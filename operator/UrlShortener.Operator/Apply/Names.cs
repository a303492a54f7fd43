namespace UrlShortener.Operator.Apply;

/// <summary>Names of what the operator makes, all derived from the name of the object that they belong to.</summary>
internal static class Names
{
    /// <summary>Component that redirects and serves the API.</summary>
    public const string App = "app";

    /// <summary>Component that brings the tables up to date.</summary>
    public const string Migrate = "migrate";

    /// <summary>Component that generates keys.</summary>
    public const string Kgs = "kgs";

    // Of a DNS label, which names of Services are.
    private const int MaxLength = 63;

    // Of what Deployments add to the names of their pods, which then have to fit into labels.
    private const int PodSuffix = 17;

    /// <summary>Name of an object of a component.</summary>
    public static string Of(string owner, string component) => Shorten(owner, MaxLength - PodSuffix - component.Length - 1) + "-" + component;

    /// <summary>A name of at most so many characters that is as good as unique: long ones end in a digest.</summary>
    public static string Shorten(string name, int length) =>
        name.Length <= length ? name : $"{name[..(length - 9)].TrimEnd('-', '.')}-{Digest.Of(name)[..8]}";
}
