namespace UrlShortener.Contracts;

/// <summary>States of the tables of a store, in the answer to GET /health, and what a start says that finds old ones.</summary>
public static class SchemaState
{
    /// <summary>The tables are those of the process.</summary>
    public const string Current = "current";

    /// <summary>Migrations are missing: the store is empty, was restored, or is older than the process.</summary>
    public const string Behind = "behind";

    /// <summary>A newer version migrated the tables.</summary>
    public const string Ahead = "ahead";

    /// <summary>The beginning of the sentence with which a start ends that finds tables <see cref="Behind"/>. The operator recognizes it.</summary>
    public const string BehindAtStart = "The tables in ConnectionStrings:Postgres are older than this version";
}
