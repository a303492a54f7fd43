using System.Globalization;
using k8s.Models;
using Npgsql;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.Postgres;

/// <summary>What the primary of a region keeps for the regions that follow it.</summary>
/// <param name="Active">Whether somebody is connected to a slot, by its name.</param>
/// <param name="Oldest">Where the write-ahead log begins that the primary still has; null: not known.</param>
internal sealed record RegionSlots(IReadOnlyDictionary<string, bool> Active, long? Oldest)
{
    private const int NameLength = 24;

    /// <summary>Asks a primary; null: it does not answer.</summary>
    public static async Task<RegionSlots?> ReadAsync(V1Pod primary, MemberConnections connections, CancellationToken cancellationToken)
    {
        var active = new Dictionary<string, bool>(StringComparer.Ordinal);
        try
        {
            await using var source = MemberDatabase.Build(primary, connections);
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            await using var command = new NpgsqlCommand("SELECT slot_name::text, active FROM pg_replication_slots WHERE slot_type = 'physical'", connection);
            await using (var reader = await command.ExecuteReaderAsync(cancellationToken))
            {
                while (await reader.ReadAsync(cancellationToken))
                    active[reader.GetString(0)] = reader.GetBoolean(1);
            }

            // The number of a segment is in the name; the timeline before it does not count.
            command.CommandText = "SELECT min(substr(name, 9)) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'";
            return new RegionSlots(active, await command.ExecuteScalarAsync(cancellationToken) is string number ? StartOf(number) : null);
        }
        catch (Exception error) when (MemberDatabase.IsFailure(error, cancellationToken))
        {
            // The next reconcile asks again; until then the status keeps what it told.
            return null;
        }
    }

    /// <summary>State of a region that follows this one, as <see cref="StandbyState"/>.</summary>
    /// <param name="peer">The region.</param>
    public string StateOf(V1Alpha1ShortenerRegion peer) =>
        // Patroni drops a slot that has lost its part of the log, and makes a new one; and who asks for a part that is gone is connected for a moment.
        peer.Status?.Postgres?.WaitsAt < Oldest
            ? StandbyState.Lost
        : Active.GetValueOrDefault(GroupPlace.SlotOf(peer)) ? StandbyState.Streaming
        : StandbyState.Away;

    // The names of the usual segments of 16 MiB: 8 digits of the higher half of a position, and the number of the segment in the lower one.
    private static long? StartOf(string number) =>
        number.Length == NameLength - 8
        && long.TryParse(number[..8], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var high)
        && long.TryParse(number[8..], NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var segment)
            ? (high << 32) + (segment * PostgresRollout.MaxLag)
            : null;
}
