using Npgsql;
using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>Describes connection failures for an operator.</summary>
internal static class PostgresFailure
{
    /// <summary>
    /// Names the setting and the error of each host. With several hosts, the driver's own message says only that there are inner exceptions. The driver's
    /// messages name hosts and users, never the password.
    /// </summary>
    public static InvalidOperationException Unusable(Exception error)
    {
        var message = $"ConnectionStrings:Postgres cannot be used: {Describe(error)}";
        return IsRefusal(error) ? new ConfigurationException(message, error) : new InvalidOperationException(message, error);
    }

    /// <summary>Whether a server rejects the connection string: no such user, password or database. Trying again does not help.</summary>
    public static bool IsRefusal(Exception error) =>
        Causes(error)
            .OfType<PostgresException>()
            .Any(cause => cause.SqlState.StartsWith("28", StringComparison.Ordinal) || cause.SqlState == PostgresErrorCodes.InvalidCatalogName);

    private static string Describe(Exception error) =>
        string.Join(" ", Causes(error).Select(cause => cause.InnerException is { } inner ? $"{cause.Message}: {inner.Message}" : cause.Message).Distinct());

    private static IEnumerable<Exception> Causes(Exception error) =>
        error.InnerException is AggregateException several ? several.Flatten().InnerExceptions.AsEnumerable() : [error];
}
