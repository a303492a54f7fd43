namespace UrlShortener.Operator.Apply;

/// <summary>Names of the objects that the operator creates, derived from the name of the owner.</summary>
internal static class Names
{
    /// <summary>Component that redirects and serves the API.</summary>
    public const string App = "app";

    /// <summary>Component that migrates the database.</summary>
    public const string Migrate = "migrate";

    /// <summary>Component that stores the links, if the operator runs it.</summary>
    public const string Postgres = "postgres";

    /// <summary>Component that runs the Redis Cluster of a region.</summary>
    public const string Redis = "redis";

    /// <summary>Component that backs up the PostgreSQL of a region.</summary>
    public const string Backup = "backup";

    /// <summary>Component that sends visitors to regions.</summary>
    public const string Traffic = "traffic";

    /// <summary>Component that loads click events.</summary>
    public const string Clicks = "clicks";

    /// <summary>Component that generates keys.</summary>
    public const string Kgs = "kgs";

    // Maximum of a DNS label, such as the name of a Service.
    private const int MaxLength = 63;

    // Length that Deployments add to the names of pods, which must fit into labels.
    private const int PodSuffix = 17;

    /// <summary>Name of an object of a component.</summary>
    public static string Of(string owner, string component) => Shorten(owner, MaxLength - PodSuffix - component.Length - 1) + "-" + component;

    /// <summary>A name with a maximum length that is practically unique: long names end in a digest.</summary>
    public static string Shorten(string name, int length) => name.Length <= length ? name : $"{name[..(length - 9)].TrimEnd('-', '.')}-{Digest.Of(name)[..8]}";
}
