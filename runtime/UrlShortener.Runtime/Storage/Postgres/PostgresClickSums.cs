using System.Runtime.InteropServices;
using Npgsql;
using NpgsqlTypes;
using UrlShortener.Runtime.Clicks;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>
/// Adds many clicks to the sums of their links, in one pass. They are those that the trigger of <c>click_events</c> adds for whoever inserts single clicks: the
/// statements are its own, with counts in place of clicks (<c>0006_source_limit.sql</c>).
/// </summary>
internal sealed class PostgresClickSums
{
    // For the transaction: the trigger leaves the sums to this class.
    private const string BeginSql = "SELECT set_config('shortener.sums', 'given', true)";

    private const string DaysSql = """
        INSERT INTO click_days AS d (short_code, day, first_at, last_at, bots, device_0, device_1, device_2, device_3)
        SELECT *
        FROM unnest($1::text[], $2::date[], $3::timestamptz[], $4::timestamptz[], $5::integer[], $6::integer[], $7::integer[], $8::integer[], $9::integer[])
        ON CONFLICT (short_code, day) DO UPDATE SET
            first_at = least(d.first_at, excluded.first_at), last_at = greatest(d.last_at, excluded.last_at), visitors = NULL, bots = d.bots + excluded.bots,
            device_0 = d.device_0 + excluded.device_0, device_1 = d.device_1 + excluded.device_1,
            device_2 = d.device_2 + excluded.device_2, device_3 = d.device_3 + excluded.device_3
        """;

    private const string HoursSql = """
        INSERT INTO click_hours AS h (short_code, hour, quarter_1, quarter_2, quarter_3, quarter_4)
        SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::integer[], $4::integer[], $5::integer[], $6::integer[])
        ON CONFLICT (short_code, hour) DO UPDATE SET
            quarter_1 = h.quarter_1 + excluded.quarter_1, quarter_2 = h.quarter_2 + excluded.quarter_2,
            quarter_3 = h.quarter_3 + excluded.quarter_3, quarter_4 = h.quarter_4 + excluded.quarter_4
        """;

    private const string CountriesSql = """
        INSERT INTO click_day_values AS v (short_code, day, kind, value, clicks)
        SELECT short_code, day, 1, value, clicks FROM unnest($1::text[], $2::date[], $3::text[], $4::integer[]) AS counted (short_code, day, value, clicks)
        ORDER BY short_code COLLATE "C", day, value COLLATE "C"
        ON CONFLICT (short_code, day, kind, value) DO UPDATE SET clicks = v.clicks + excluded.clicks
        """;

    // The number and the name are those of ClickSources.cs. Of many new names those with most clicks get the places that are left.
    private const string SourcesSql = """
        INSERT INTO click_day_values AS v (short_code, day, kind, value, clicks)
        WITH link AS MATERIALIZED (
            SELECT
                short_code, day, count(*) AS names, array_agg(value ORDER BY clicks DESC) AS name_values, array_agg(clicks ORDER BY clicks DESC) AS name_clicks,
                CASE WHEN (
                    SELECT d.device_0 + d.device_1 + d.device_2 + d.device_3 FROM click_days d WHERE d.short_code = counted.short_code AND d.day = counted.day
                ) <= 1000 THEN 1000 ELSE 1000 - (
                    SELECT count(*)
                    FROM (
                        SELECT FROM click_day_values held
                        WHERE held.short_code = counted.short_code AND held.day = counted.day AND held.kind = 2 AND held.value NOT IN ('', '(other sources)')
                        LIMIT 1000
                    ) held_names
                ) END AS room
            FROM unnest($1::text[], $2::date[], $3::text[], $4::integer[]) AS counted (short_code, day, value, clicks)
            GROUP BY short_code, day
        )
        SELECT short_code, day, 2, value, sum(clicks)
        FROM (
            SELECT
                link.short_code, link.day, name.clicks,
                CASE
                    WHEN link.names <= link.room OR name.place <= link.room OR name.value = '' THEN name.value
                    WHEN (
                        SELECT true FROM click_day_values held
                        WHERE held.short_code = link.short_code AND held.day = link.day AND held.kind = 2 AND held.value = name.value
                    ) THEN name.value
                    ELSE '(other sources)'
                END AS value
            FROM link CROSS JOIN LATERAL unnest(link.name_values, link.name_clicks) WITH ORDINALITY AS name (value, clicks, place)
        ) admitted
        GROUP BY short_code, day, value ORDER BY short_code COLLATE "C", day, value COLLATE "C"
        ON CONFLICT (short_code, day, kind, value) DO UPDATE SET clicks = v.clicks + excluded.clicks
        """;

    // Clicks of links that are deleted meanwhile are due to be deleted.
    private const string DeletedSql = "UPDATE deleted_links SET due_at = now() WHERE short_code = ANY ($1::text[])";

    private readonly List<Day> _days = [];
    private readonly List<Hour> _hours = [];
    private readonly List<Value> _countries = [];
    private readonly List<Value> _sources = [];
    private readonly Dictionary<string, int> _countryClicks = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _sourceClicks = new(StringComparer.Ordinal);

    private PostgresClickSums() { }

    /// <summary>Tells the trigger, for the transaction of the connection, that the sums are added by <see cref="AddAsync"/>.</summary>
    public static async Task BeginAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(BeginSql, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Adds clicks to the sums, in the transaction of the connection. Rows are locked in the order of the trigger.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="clicks">The clicks, by code and within it by time.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public static async Task AddAsync(NpgsqlConnection connection, List<StoredClick> clicks, CancellationToken cancellationToken)
    {
        var sums = new PostgresClickSums();
        foreach (ref readonly var click in CollectionsMarshal.AsSpan(clicks))
            sums.Add(click);
        sums.EndDay();
        await using var batch = new NpgsqlBatch(connection);
        batch.BatchCommands.Add(new(PostgresLinkCounts.CodeByCodeSql));
        batch.BatchCommands.Add(sums.Days());
        batch.BatchCommands.Add(sums.Hours());
        batch.BatchCommands.Add(OfValues(CountriesSql, sums._countries));
        batch.BatchCommands.Add(OfValues(SourcesSql, sums._sources));
        batch.BatchCommands.Add(Command(DeletedSql, sums._days.Select(day => day.Code).Distinct(StringComparer.Ordinal).ToArray()));
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    private void Add(in StoredClick click)
    {
        var at = click.At.UtcDateTime;
        var date = DateOnly.FromDateTime(at);
        if (_days.Count == 0 || _days[^1].Date != date || _days[^1].Code != click.ShortCode)
        {
            EndDay();
            _days.Add(new Day(click.ShortCode, date) { FirstAt = at, LastAt = at });
        }

        ref var day = ref CollectionsMarshal.AsSpan(_days)[^1];
        day.LastAt = at;
        if (click.IsBot)
        {
            day.Bots++;
            return;
        }

        day.People[(int)click.Device]++;
        CollectionsMarshal.GetValueRefOrAddDefault(_countryClicks, click.Country ?? "", out _)++;
        CollectionsMarshal.GetValueRefOrAddDefault(_sourceClicks, click.Source ?? "", out _)++;
        var start = new DateTime(at.Year, at.Month, at.Day, at.Hour, 0, 0, DateTimeKind.Utc);
        if (_hours.Count == 0 || _hours[^1].Start != start || _hours[^1].Code != click.ShortCode)
            _hours.Add(new Hour(click.ShortCode, start));
        CollectionsMarshal.AsSpan(_hours)[^1].Quarters[at.Minute / 15]++;
    }

    // Of the clicks of one link and day.
    private void EndDay()
    {
        if (_days.Count == 0)
            return;
        var day = _days[^1];
        _countries.AddRange(_countryClicks.Select(named => new Value(day.Code, day.Date, named.Key, named.Value)));
        _sources.AddRange(_sourceClicks.Select(named => new Value(day.Code, day.Date, named.Key, named.Value)));
        _countryClicks.Clear();
        _sourceClicks.Clear();
    }

    private NpgsqlBatchCommand Days() =>
        Command(
            DaysSql,
            Of(_days, day => day.Code),
            Of(_days, day => day.Date),
            Of(_days, day => day.FirstAt),
            Of(_days, day => day.LastAt),
            Of(_days, day => day.Bots),
            Of(_days, day => day.People[0]),
            Of(_days, day => day.People[1]),
            Of(_days, day => day.People[2]),
            Of(_days, day => day.People[3])
        );

    private NpgsqlBatchCommand Hours() =>
        Command(
            HoursSql,
            Of(_hours, hour => hour.Code),
            Of(_hours, hour => hour.Start),
            Of(_hours, hour => hour.Quarters[0]),
            Of(_hours, hour => hour.Quarters[1]),
            Of(_hours, hour => hour.Quarters[2]),
            Of(_hours, hour => hour.Quarters[3])
        );

    private static NpgsqlBatchCommand OfValues(string sql, List<Value> values) =>
        Command(sql, Of(values, value => value.Code), Of(values, value => value.Date), Of(values, value => value.Name), Of(values, value => value.Clicks));

    private static T[] Of<TRow, T>(List<TRow> rows, Func<TRow, T> part)
    {
        var values = new T[rows.Count];
        for (var i = 0; i < values.Length; i++)
            values[i] = part(rows[i]);
        return values;
    }

    private static NpgsqlBatchCommand Command(string sql, params Array[] columns)
    {
        var command = new NpgsqlBatchCommand(sql);
        foreach (var column in columns)
        {
            var parameter = new NpgsqlParameter { Value = column };
            // A moment in UTC, not a date without a time zone.
            if (column is DateTime[])
                parameter.NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz;
            command.Parameters.Add(parameter);
        }

        return command;
    }

    private struct Day(string code, DateOnly date)
    {
        public readonly string Code = code;
        public readonly DateOnly Date = date;
        public DateTime FirstAt;
        public DateTime LastAt;
        public int Bots;
        public Four People;
    }

    private struct Hour(string code, DateTime start)
    {
        public readonly string Code = code;
        public readonly DateTime Start = start;
        public Four Quarters;
    }

    private readonly record struct Value(string Code, DateOnly Date, string Name, int Clicks);

    // By class of device, or by quarter of an hour.
    [System.Runtime.CompilerServices.InlineArray(4)]
    private struct Four
    {
        private int _first;
    }
}
