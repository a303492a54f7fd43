using System.ComponentModel.DataAnnotations;
using Npgsql;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>ConnectionStrings</c>: the servers that data is kept in. None: one process with a file of its own (<c>Storage</c>).</summary>
internal sealed class ConnectionOptions : IValidatableObject
{
    /// <summary>
    /// Npgsql connection string of PostgreSQL, several hosts allowed (<c>Host=a,b,c</c>): the primary among them takes writes, replicas take lookups. A secret.
    /// Unset: everything is kept in a SQLite file.
    /// </summary>
    public string? Postgres { get; set; }

    /// <summary>StackExchange.Redis configuration of a Redis Cluster or a single server, such as <c>a:6379,b:6379,password=…</c>. A secret. Unset: every
    /// process caches for itself.</summary>
    public string? Redis { get; set; }

    /// <inheritdoc />
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!string.IsNullOrEmpty(Postgres) && FindError(() => new NpgsqlConnectionStringBuilder(Postgres).Host) is { } postgres)
            yield return new ValidationResult($"cannot be read: {postgres} Write it as Host=…;Username=…;Password=…;Database=….", [nameof(Postgres)]);
        if (string.IsNullOrEmpty(Redis))
            yield break;
        if (FindError(() => StackExchange.Redis.ConfigurationOptions.Parse(Redis).EndPoints.FirstOrDefault()) is { } redis)
            yield return new ValidationResult($"cannot be read: {redis} Write it as host:6379,host:6379,password=….", [nameof(Redis)]);
        // What processes share in Redis is only right about a store that they share as well.
        if (string.IsNullOrEmpty(Postgres))
            yield return new ValidationResult("needs ConnectionStrings:Postgres: links kept in a file of one process must not be shared.", [nameof(Redis)]);
    }

    // The parsers' messages name keys, never values.
    private static string? FindError(Func<object?> parse)
    {
        try
        {
            return parse() is null ? "it names no host." : null;
        }
        catch (ArgumentException error)
        {
            return error.Message.Split('\n')[0].TrimEnd('.') + ".";
        }
    }
}
