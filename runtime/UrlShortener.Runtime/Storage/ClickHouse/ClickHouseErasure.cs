using System.Globalization;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Storage.Postgres;

namespace UrlShortener.Runtime.Storage.ClickHouse;

/// <summary>
/// Erases clicks of deleted links. A lightweight deletion hides rows at once, by a mark in each part that has them, and costs no copy of the others. Merges
/// remove them from the disk; for parts that no merge comes to, <see cref="PurgeAsync"/> does.
/// </summary>
internal sealed class ClickHouseErasure(PostgresDueErasures due, ClickHouseDatabase database, TimeProvider time) : IClickErasure
{
    private const int LinksPerErasure = 500;

    // Longer than a deletion takes: that of another process is no reason to wait.
    private const uint StuckSeconds = 60;

    // How long the deletion of a user waits for each table.
    private static readonly TimeSpan MaxWait = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(200);

    private static readonly string[] Tables = ["clicks", "clicks_by_quarter_hour", "clicks_by_day", "clicks_by_minute", "link_trends", "click_floods"];

    private const string UnfinishedSql = """
        SELECT count() FROM system.mutations
        WHERE database = currentDatabase() AND table = {table:String} AND NOT is_done AND create_time <= now() - {age:UInt32}
        """;

    private const string HiddenSql = """
        SELECT count() FROM system.parts
        WHERE database = currentDatabase() AND table = {table:String} AND active AND has_lightweight_delete AND modification_time <= now() - {age:UInt32}
        """;

    /// <inheritdoc />
    public async Task<int> EraseDueAsync(CancellationToken cancellationToken) =>
        await EraseAsync(await due.TakeAsync(LinksPerErasure, cancellationToken), EraseAsync, cancellationToken);

    /// <inheritdoc />
    public async Task<int> EraseOfUserAsync(long userId, CancellationToken cancellationToken) =>
        await EraseAsync(await due.TakeOfUserAsync(userId, LinksPerErasure, cancellationToken), EraseBesidesOthersAsync, cancellationToken);

    /// <inheritdoc />
    public Task<TimeSpan> ReadDelayAsync(CancellationToken cancellationToken) => due.ReadDelayAsync(cancellationToken);

    /// <inheritdoc />
    public async Task PurgeAsync(TimeSpan age, CancellationToken cancellationToken)
    {
        foreach (var table in Tables)
        {
            var hidden = await CountAsync(HiddenSql, cancellationToken, ("table", table), ("age", (uint)age.TotalSeconds));
            // In the background: parts are written again without the hidden rows.
            if (hidden > 0 && await CountAsync(UnfinishedSql, cancellationToken, ("table", table), ("age", 0U)) == 0)
                await database.ExecuteAsync($"ALTER TABLE {table} APPLY DELETED MASK SETTINGS mutations_sync = 0", cancellationToken);
        }
    }

    private async Task<int> EraseAsync(
        List<string> codes,
        Func<string, IReadOnlyCollection<string>, CancellationToken, Task> erase,
        CancellationToken cancellationToken
    )
    {
        if (codes.Count == 0)
            return 0;
        try
        {
            foreach (var table in Tables)
                await erase(table, codes, cancellationToken);
        }
        catch (Exception error) when (ClickHouseFailure.IsOfServer(error) || (error is DependencyException && error.InnerException is not null))
        {
            throw new DependencyException(
                $"Clicks of deleted links could not be erased from ClickHouse; running processes try again in 5 minutes. {error.Message}",
                error
            );
        }

        await due.NoteDoneAsync(codes, cancellationToken);
        return codes.Count;
    }

    private async Task EraseAsync(string table, IReadOnlyCollection<string> codes, CancellationToken cancellationToken)
    {
        var ofCodes = $"FROM {table} WHERE short_code IN {{codes:Array(String)}}";
        (string, object) parameter = ("codes", codes.ToArray());
        // Most deleted links have no clicks here, and a mutation looks at every part.
        if (await CountAsync($"SELECT count() {ofCodes}", cancellationToken, parameter) == 0)
            return;
        // One that is stuck would only get company.
        if (await CountAsync(UnfinishedSql, cancellationToken, ("table", table), ("age", StuckSeconds)) > 0)
            throw Unfinished(table);
        await database.ExecuteAsync($"DELETE {ofCodes}", cancellationToken, parameter);
        if (await CountAsync($"SELECT count() {ofCodes}", cancellationToken, parameter) > 0)
            throw Unfinished(table);
    }

    // A mutation that cannot be carried out holds up later ones in the parts where it fails, and not in others. So what counts is whether the rows are gone, not
    // whether the mutation has ended.
    private async Task EraseBesidesOthersAsync(string table, IReadOnlyCollection<string> codes, CancellationToken cancellationToken)
    {
        var ofCodes = $"FROM {table} WHERE short_code IN {{codes:Array(String)}}";
        (string, object) parameter = ("codes", codes.ToArray());
        if (await CountAsync($"SELECT count() {ofCodes}", cancellationToken, parameter) == 0)
            return;
        await database.ExecuteAsync($"DELETE {ofCodes} SETTINGS lightweight_deletes_sync = 0", cancellationToken, parameter);
        var started = time.GetTimestamp();
        while (await CountAsync($"SELECT count() {ofCodes}", cancellationToken, parameter) > 0)
        {
            if (time.GetElapsedTime(started) > MaxWait)
                throw Unfinished(table);
            await Task.Delay(LookInterval, time, cancellationToken);
        }
    }

    private static DependencyException Unfinished(string table) =>
        new($"ClickHouse has not finished deleting from {table} (system.mutations); running processes erase clicks of deleted links again in 5 minutes.");

    private async Task<long> CountAsync(string sql, CancellationToken cancellationToken, params (string Name, object Value)[] parameters) =>
        Convert.ToInt64(
            ClickHouseFailure.SingleOf(await database.ReadAsync(sql, row => row.GetValue(0), cancellationToken, parameters)),
            CultureInfo.InvariantCulture
        );
}
