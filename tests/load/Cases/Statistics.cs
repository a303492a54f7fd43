using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Npgsql;

namespace UrlShortener.Load.Cases;

/// <summary>Statistics of a link with 100,000 clicks a day for a year, over HTTP, one request at a time.</summary>
internal sealed class Statistics : ILoadCase
{
    private const double MostMilliseconds = 200;
    private const int RequestsPerRound = 7;
    private const int ClicksPerDay = 100_000;
    private const int VisitorsPerDay = 60_000;

    // Sums of the year are written as the trigger writes them; single clicks are needed of the days that are read click by click: today, and the first day of a range
    // that begins elsewhere. As many clicks of other links lie between them. 31 countries, 101 sources.
    private static readonly string FillSql =
        $"""
        SET synchronous_commit = off;
        SET max_parallel_workers_per_gather = 0;
        ALTER TABLE click_events DISABLE TRIGGER USER;

        INSERT INTO click_events (short_code, clicked_at, referrer, user_agent, ip_hash, country, source, device, is_bot)
        SELECT
            CASE WHEN i % 2 = 0 THEN @code ELSE 'other' || i % 1999 END, day + (upper_at - day) * (i / {2 * ClicksPerDay}.0), 'https://s' || i % 101 || '.example/page',
            'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
            encode(sha256(int8send((random() * {VisitorsPerDay})::bigint)), 'hex'), chr(65 + i % 31 % 26) || chr(65 + i % 31 % 7), 's' || i % 101 || '.example', i % 3 + 1, i % 50 = 0
        FROM generate_series(1, {2 * ClicksPerDay}) AS i,
            (VALUES (date_bin('1 day', now(), 'epoch'), now()), (date_bin('1 day', now(), 'epoch') - interval '31 days', date_bin('1 day', now(), 'epoch') - interval '30 days')) AS days (day, upper_at);

        INSERT INTO click_days (short_code, day, first_at, last_at, visitors, bots, device_0, device_1, device_2, device_3)
        SELECT @code, today - i, (today - i)::timestamp AT TIME ZONE 'UTC', least(now(), (today - i + 1)::timestamp AT TIME ZONE 'UTC' - interval '1 ms'),
            CASE WHEN i > 0 THEN {VisitorsPerDay} END, 2000, 0, {ClicksPerDay} / 2, {ClicksPerDay} / 4, {ClicksPerDay} / 4
        FROM generate_series(0, 365) AS i, (SELECT (now() AT TIME ZONE 'UTC')::date AS today) t;

        INSERT INTO click_hours (short_code, hour, quarter_1, quarter_2, quarter_3, quarter_4)
        SELECT @code, date_bin('1 hour', now(), 'epoch') - i * interval '1 hour', 1000, 1000, 1000, 1000 FROM generate_series(0, 366 * 24) AS i;

        INSERT INTO click_day_values (short_code, day, kind, value, clicks)
        SELECT @code, (now() AT TIME ZONE 'UTC')::date - i, kind, CASE kind WHEN 1 THEN chr(65 + n % 26) || chr(65 + n % 7) ELSE 's' || n || '.example' END, 1000
        FROM generate_series(0, 365) AS i, (VALUES (1, 30), (2, 100)) AS kinds (kind, last), LATERAL generate_series(0, last) AS n;

        ALTER TABLE click_events ENABLE TRIGGER USER;
        """;

    private static readonly (string Name, string Query)[] Questions =
    [
        ("The link with its recent clicks", ""),
        ("30 days", "/stats"),
        ("90 days by the hour", "/stats?granularity=hour&start_date={90}"),
        ("360 days", "/stats?start_date={360}"),
        ("360 days by the week", "/stats?granularity=week&start_date={360}"),
        ("30 days of Asia/Kolkata, whose first day is a part of two", "/stats?time_zone=Asia/Kolkata"),
    ];

    public string Name => "statistics";

    public async Task<CaseReport> RunAsync(CaseContext context, Installation installation, CancellationToken cancellationToken)
    {
        await using var product = await installation.StartAsync(cancellationToken);
        var path = Assert(await product.CreateLinksAsync(1, cancellationToken));
        context.Progress("filling");
        await FillAsync(installation.Postgres, path[1..], cancellationToken);
        var requests = context.Options.Rounds * RequestsPerRound;
        var results = new List<(string Name, Spread Milliseconds)>();
        foreach (var (name, query) in Questions)
        {
            context.Progress(name);
            results.Add((name, await MeasureAsync(product, $"/api/v1/urls{path}{WithDates(query)}", requests, cancellationToken)));
        }

        await product.Server.StopAsync(cancellationToken);
        return new CaseReport(
            "Statistics of a link with 100,000 clicks a day for a year",
            CaseTable.Cell($"Filled by SQL: sums of 366 days, and single clicks of today and of the 31st day before: {ClicksPerDay:N0} of the link among as many of other links. ")
                + CaseTable.Cell($"{requests} requests each, one at a time, over HTTP."),
            "",
            [],
            [
                new CaseTable("Answers", ["", "Fastest, ms", "Median, ms", "Slowest, ms"],
                    [.. results.Select(result => new[] { result.Name, CaseTable.Cell($"{result.Milliseconds.Least:0}"), CaseTable.Cell($"{result.Milliseconds.Median:0}"), CaseTable.Cell($"{result.Milliseconds.Most:0}") })]),
            ],
            [.. results.Select(result => Target.AtMost($"{result.Name}, median", result.Milliseconds.Median, MostMilliseconds, "ms"))]);
    }

    private static string Assert(IReadOnlyList<string> paths) => paths.Count == 1 ? paths[0] : throw new LoadException("One link was asked for, and another number created.");

    private static async Task FillAsync(string postgres, string code, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(postgres);
        await connection.OpenAsync(cancellationToken);
        foreach (var sql in (string[])[FillSql, "VACUUM ANALYZE"])
        {
            await using var fill = new NpgsqlCommand(sql.Replace("@code", $"'{code}'", StringComparison.Ordinal), connection) { CommandTimeout = 600 };
            await fill.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private static string WithDates(string query)
    {
        foreach (var days in (int[])[90, 360])
            query = query.Replace($"{{{days}}}", TimeProvider.System.GetUtcNow().AddDays(-days).ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
        return query;
    }

    private static async Task<Spread> MeasureAsync(Product product, string path, int requests, CancellationToken cancellationToken)
    {
        var times = new List<double>();
        // The first one is warm-up.
        for (var i = 0; i <= requests; i++)
        {
            var started = Stopwatch.GetTimestamp();
            using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "X-API-Key", product.ApiKey } } };
            using var response = await product.Server.Client.SendAsync(request, cancellationToken);
            var body = await response.Content.ReadAsStringAsync(cancellationToken);
            if (i > 0)
                times.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            if (response.StatusCode != HttpStatusCode.OK || !HasClicks(body))
                throw new LoadException($"GET {path} answered {(int)response.StatusCode}: {body[..Math.Min(body.Length, 500)]}");
        }

        return Spread.Of(times);
    }

    private static bool HasClicks(string body)
    {
        var answer = JsonElement.Parse(body);
        return answer.TryGetProperty("total_clicks", out var clicks)
            ? clicks.GetInt64() > ClicksPerDay && answer.GetProperty("unique_visitors").GetInt64() > VisitorsPerDay / 2
            : answer.GetProperty("analytics").ValueKind == JsonValueKind.Object;
    }
}
