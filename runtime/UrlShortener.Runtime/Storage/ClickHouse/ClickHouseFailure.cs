using System.Globalization;
using ClickHouse.Driver;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.ClickHouse;

/// <summary>Classifies failures of ClickHouse by the server's own codes (<c>system.errors</c>).</summary>
internal static class ClickHouseFailure
{
    // UNKNOWN_TABLE.
    private const int UnknownTable = 60;

    // TIMEOUT_EXCEEDED, TOO_SLOW, MEMORY_LIMIT_EXCEEDED.
    private static readonly HashSet<int> Limits = [159, 160, 241];

    // TOO_MANY_SIMULTANEOUS_QUERIES, SOCKET_TIMEOUT, NETWORK_ERROR, TABLE_IS_READ_ONLY, KEEPER_EXCEPTION, SERVER_OVERLOADED.
    private static readonly HashSet<int> Outages = [202, 209, 210, 242, 999, 745];

    // UNKNOWN_DATABASE, UNKNOWN_USER, WRONG_PASSWORD, REQUIRED_PASSWORD, IP_ADDRESS_NOT_ALLOWED, AUTHENTICATION_FAILED.
    private static readonly HashSet<int> Refusals = [81, 192, 193, 194, 195, 516];

    /// <summary>Whether a query asked for more than its limits allow, which says nothing about the server.</summary>
    public static bool IsLimit(Exception error) => error is QueryLimitException || IsOneOf(error, Limits);

    /// <summary>Whether an error indicates a failure of the server or the network, not an error in the statement.</summary>
    public static bool IsOutage(Exception error) => error is HttpRequestException or IOException || IsOneOf(error, Outages);

    /// <summary>Whether an error comes from the server, the way there or the driver.</summary>
    public static bool IsOfServer(Exception error) => error is ClickHouseServerException or HttpRequestException or IOException;

    /// <summary>Whether the server lacks a table: that of a migration which has not run yet.</summary>
    public static bool IsMissingTable(Exception error) => error is ClickHouseServerException { ErrorCode: UnknownTable };

    /// <summary>The only row of an answer.</summary>
    /// <exception cref="IOException">The answer has none: a server whose disk is full may break it off.</exception>
    public static T SingleOf<T>(List<T> rows) =>
        rows.Count == 1 ? rows[0] : throw new IOException($"ClickHouse sent {rows.Count.ToString(CultureInfo.InvariantCulture)} rows where one is expected.");

    /// <summary>Returns the failure with a message for an operator. The server's and the driver's messages name hosts and users, never the password.</summary>
    public static InvalidOperationException Unusable(Exception error)
    {
        var cause = error.InnerException is { } inner && inner.Message != error.Message ? $"{error.Message}: {inner.Message}" : error.Message;
        var message = $"ConnectionStrings:ClickHouse cannot be used: {cause.Trim()}";
        return IsOneOf(error, Refusals) ? new ConfigurationException(message, error) : new InvalidOperationException(message, error);
    }

    private static bool IsOneOf(Exception error, HashSet<int> codes) => error is ClickHouseServerException { ErrorCode: var code } && codes.Contains(code);
}
