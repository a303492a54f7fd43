using System.Globalization;
using Npgsql;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Postgres;

/// <summary>Asks the primary what it says to the parameters of the specification. It asks once for each change of them.</summary>
internal sealed class ParameterReader(TimeProvider time)
{
    /// <summary>Reviews the parameters, if they have changed since the last review.</summary>
    /// <returns>The review; null: there are no parameters, or they cannot be reviewed now.</returns>
    public async Task<ParameterReview?> ReviewAsync(
        V1Alpha1ShortenerRegion region,
        ObservedPostgres observed,
        PostgresMemory memory,
        CancellationToken cancellationToken
    )
    {
        var parameters = region.Spec.Postgres!.Parameters;
        if (parameters.Count == 0)
            return null;
        var digest = ParameterReview.DigestOf(parameters);
        var isApplied = ParameterReview.IsIn(observed.DynamicConfiguration, parameters);
        var former = memory.Review is { } last && last.Digest == digest ? last : null;
        if (
            (former is not null && former.IsApplied == isApplied)
            || memory.Connections is not { } connections
            || observed.Leader is not { } primary
            || observed.PodOf(primary.Name) is not { } pod
            || (isApplied && PostgresRollout.IsSettling(region, memory, time.GetUtcNow()))
        )
            return former;
        try
        {
            await using var source = MemberDatabase.Build(pod, connections);
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            return new ParameterReview(
                digest,
                isApplied,
                isApplied
                    ? await VerifyAsync(connection, parameters, cancellationToken)
                    : ParameterReview.Check(parameters, await ReadAsync(connection, parameters.Keys, cancellationToken))
            );
        }
        catch (Exception error) when (MemberDatabase.IsFailure(error, cancellationToken))
        {
            return former;
        }
    }

    private static async Task<IReadOnlyDictionary<string, ParameterSetting>> ReadAsync(
        NpgsqlConnection connection,
        IEnumerable<string> names,
        CancellationToken cancellationToken
    )
    {
        const string Query = "SELECT lower(name), vartype, context, unit, min_val, max_val, enumvals FROM pg_settings WHERE lower(name) = ANY($1)";
        await using var command = new NpgsqlCommand(Query, connection) { Parameters = { new NpgsqlParameter { Value = names.ToArray() } } };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var found = new Dictionary<string, ParameterSetting>(StringComparer.Ordinal);
        while (await reader.ReadAsync(cancellationToken))
        {
            found[reader.GetString(0)] = new ParameterSetting(
                reader.GetString(1),
                reader.GetString(2),
                TextAt(reader, 3),
                NumberAt(reader, 4),
                NumberAt(reader, 5),
                await reader.IsDBNullAsync(6, cancellationToken) ? null : reader.GetFieldValue<string[]>(6)
            );
        }

        return found;
    }

    // A parameter that waits for a restart has an error there too, and is right.
    private static async Task<IReadOnlyList<string>> VerifyAsync(
        NpgsqlConnection connection,
        IReadOnlyDictionary<string, string> parameters,
        CancellationToken cancellationToken
    )
    {
        const string Query = """
            SELECT lower(file.name), CASE WHEN setting.pending_restart THEN NULL ELSE file.error END
            FROM pg_file_settings AS file LEFT JOIN pg_settings AS setting ON lower(setting.name) = lower(file.name)
            WHERE lower(file.name) = ANY($1)
            """;
        await using var command = new NpgsqlCommand(Query, connection) { Parameters = { new NpgsqlParameter { Value = parameters.Keys.ToArray() } } };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var (read, errors) = (new HashSet<string>(StringComparer.Ordinal), new Dictionary<string, string>(StringComparer.Ordinal));
        while (await reader.ReadAsync(cancellationToken))
        {
            read.Add(reader.GetString(0));
            if (TextAt(reader, 1) is { } error)
                errors[reader.GetString(0)] = LastWords.Clean(error);
        }

        return ParameterReview.Verify(parameters, read, errors);
    }

    private static string? TextAt(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    private static double? NumberAt(NpgsqlDataReader reader, int column) =>
        double.TryParse(TextAt(reader, column), NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : null;
}
