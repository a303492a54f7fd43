using System.ComponentModel.DataAnnotations;
using System.Globalization;
using ClickHouse.Driver.ADO;
using Npgsql;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>ConnectionStrings</c>: the servers that store data. None: a single process with its own file (<c>Storage</c>).</summary>
internal sealed class ConnectionOptions : IValidatableObject
{
    /// <summary>
    /// Npgsql connection string of PostgreSQL, with one or several hosts (<c>Host=a,b,c</c>): the primary among them takes writes, replicas take lookups. A
    /// secret. Unset: all data is stored in a SQLite file.
    /// </summary>
    public string? Postgres { get; set; }

    /// <summary>StackExchange.Redis configuration of a Redis Cluster or a single server, such as <c>a:6379,b:6379,password=…</c>. A secret. Unset: each
    /// process has only its own cache.</summary>
    public string? Redis { get; set; }

    /// <summary>Brokers of Kafka, such as <c>a:9092,b:9092</c>; TLS and passwords are in the section <c>Kafka</c>. Unset: clicks go to the store alone.</summary>
    public string? Kafka { get; set; }

    /// <summary>
    /// Connection string of ClickHouse, as ClickHouse.Driver takes it: <c>Host=…;Port=8123;Username=…;Password=…;Database=…</c>, with <c>Protocol=https</c> for
    /// TLS. A secret. Unset: PostgreSQL answers statistics.
    /// </summary>
    public string? ClickHouse { get; set; }

    /// <summary>
    /// File with the connection string of PostgreSQL, instead of <see cref="Postgres"/>. The file is read again every 2 s: what it says then is used for new
    /// connections once PostgreSQL accepts it, without a restart.
    /// </summary>
    public string? PostgresPath { get; set; }

    /// <summary>
    /// File with the configuration of Redis, instead of <see cref="Redis"/>. The file is read again every 2 s: a new user name or password is used for new
    /// connections, without a restart.
    /// </summary>
    public string? RedisPath { get; set; }

    /// <summary>
    /// File with the connection string of ClickHouse, instead of <see cref="ClickHouse"/>. The file is read again every 2 s, and what it says then is used
    /// without a restart. A process starts without the file, too: statistics wait for it.
    /// </summary>
    public string? ClickHousePath { get; set; }

    /// <inheritdoc />
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!string.IsNullOrEmpty(Postgres) && FindError(() => new NpgsqlConnectionStringBuilder(Postgres).Host) is { } postgres)
            yield return new ValidationResult($"cannot be read: {postgres} Write it as Host=…;Username=…;Password=…;Database=….", [nameof(Postgres)]);
        if (!string.IsNullOrEmpty(Kafka) && !Kafka.Split(',').All(IsBroker))
            yield return new ValidationResult("cannot be read: write it as host:9092,host:9092.", [nameof(Kafka)]);
        if (!string.IsNullOrEmpty(ClickHouse) && !string.IsNullOrEmpty(ClickHousePath))
            yield return new ValidationResult("and ConnectionStrings:ClickHouse exclude each other: set one of them.", [nameof(ClickHousePath)]);
        if (!string.IsNullOrEmpty(ClickHouse) && FindProblemOfClickHouse(ClickHouse) is { } clickHouse)
            yield return new ValidationResult(clickHouse, [nameof(ClickHouse)]);
        else if (HasClickHouse && (string.IsNullOrEmpty(Postgres) || string.IsNullOrEmpty(Kafka)))
            yield return new ValidationResult(
                "needs ConnectionStrings:Postgres and ConnectionStrings:Kafka, by which clicks get there.",
                [string.IsNullOrEmpty(ClickHouse) ? nameof(ClickHousePath) : nameof(ClickHouse)]
            );

        if (string.IsNullOrEmpty(Redis))
            yield break;
        if (FindError(() => StackExchange.Redis.ConfigurationOptions.Parse(Redis).EndPoints.FirstOrDefault()) is { } redis)
            yield return new ValidationResult($"cannot be read: {redis} Write it as host:6379,host:6379,password=….", [nameof(Redis)]);
        // Shared data in Redis is correct only if the processes also share the store.
        if (string.IsNullOrEmpty(Postgres))
            yield return new ValidationResult("needs ConnectionStrings:Postgres: links kept in a file of one process must not be shared.", [nameof(Redis)]);
    }

    /// <summary>Whether there is a ClickHouse.</summary>
    public bool HasClickHouse => !string.IsNullOrEmpty(ClickHouse) || !string.IsNullOrEmpty(ClickHousePath);

    /// <summary>What is wrong with a connection string of ClickHouse, as the end of a sentence; null: nothing.</summary>
    public static string? FindProblemOfClickHouse(string text) =>
        FindError(() => HostOfClickHouse(text)) is { } error ? $"cannot be read: {error} Write it as Host=…;Port=8123;Username=…;Password=…;Database=…." : null;

    private static bool IsBroker(string text) =>
        text.LastIndexOf(':') is > 0 and var colon
        && ushort.TryParse(text[(colon + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port)
        && port > 0
        && Uri.CheckHostName(text[..colon]) != UriHostNameType.Unknown;

    private static string? HostOfClickHouse(string text)
    {
        var parsed = new ClickHouseConnectionStringBuilder(text);
        // The parser takes its default for what it cannot read.
        if (parsed.TryGetValue("Port", out var port) && !ushort.TryParse(port as string, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            throw new ArgumentException("Port is not a number.");
        return parsed.TryGetValue("Host", out var host) ? host as string : null;
    }

    // The parsers' messages contain names of keys, never values.
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
