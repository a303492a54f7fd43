using System.Diagnostics;
using System.Globalization;
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

    // How long the product keeps the number of a day's visitors.
    private static readonly TimeSpan KeptFor = TimeSpan.FromSeconds(10.5);

    // Sums of the year are written as the trigger writes them. Single clicks are needed of the days that are read click by click: today, and the first day of a
    // range that begins elsewhere. As many clicks of other links lie between them. 31 countries, 101 sources.
    private static readonly string FillSql = $"""
        SET synchronous_commit = off;
        SET max_parallel_workers_per_gather = 0;
        ALTER TABLE click_events DISABLE TRIGGER USER;

        INSERT INTO click_events (short_code, clicked_at, referrer, user_agent, ip_hash, country, source, device, is_bot)
        SELECT
            CASE WHEN i % 2 = 0 THEN @code ELSE 'other' || i % 1999 END, day + (upper_at - day) * (i / {2
            * ClicksPerDay}.0), 'https://s' || i % 101 || '.example/page',
            'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
            encode(sha256(int8send((random() * {VisitorsPerDay})::bigint)), 'hex'), chr(65 + i % 31 % 26) || chr(65 + i % 31 % 7), 's' || i % 101 || '.example', i % 3 + 1, i % 50 = 0
        FROM generate_series(1, {2 * ClicksPerDay}) AS i,
            (SELECT date_bin('1 day', now(), 'epoch') AS midnight) AS today,
            LATERAL (VALUES (midnight, now()), (midnight - interval '31 days', midnight - interval '30 days')) AS days (day, upper_at);

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
        var path = (await product.CreateLinksAsync(1, cancellationToken)).Single();
        context.Progress("filling");
        await FillAsync(installation.Postgres, path[1..], cancellationToken);
        var results = new List<(string Name, Spread Anew, Spread Again)>();
        foreach (var (name, query) in Questions)
        {
            context.Progress(name);
            var address = $"/api/v1/urls{path}{WithDates(query)}";
            // The first one is warm-up.
            await AskAsync(product, address, cancellationToken);
            var (anew, again) = (new List<double>(), new List<double>());
            for (var round = 0; round < context.Options.Rounds; round++)
            {
                await Task.Delay(KeptFor, cancellationToken);
                anew.Add(await AskAsync(product, address, cancellationToken));
                for (var i = 0; i < RequestsPerRound; i++)
                    again.Add(await AskAsync(product, address, cancellationToken));
            }

            results.Add((name, Spread.Of(anew), Spread.Of(again)));
        }

        await product.Server.StopAsync(cancellationToken);
        return new CaseReport(
            "Statistics of a link with 100,000 clicks a day for a year",
            CaseTable.Cell($"Filled by SQL: sums of 366 days, and single clicks of today and of the 31st day before: {ClicksPerDay:N0} of the link ")
                + "among as many of other links. "
                + CaseTable.Cell(
                    $"Over HTTP, one request at a time: {context.Options.Rounds} that count the visitors of today anew, and {RequestsPerRound} soon after each."
                ),
            "",
            [],
            [
                new CaseTable(
                    "Answers: fastest, median and slowest, ms",
                    ["", "Anew", "Soon after"],
                    [.. results.Select(result => new[] { result.Name, Cell(result.Anew), Cell(result.Again) })]
                ),
            ],
            [
                .. results.Select(result => Target.AtMost($"{result.Name}, anew, median", result.Anew.Median, MostMilliseconds, "ms")),
                .. results.Select(result => Target.AtMost($"{result.Name}, soon after, median", result.Again.Median, MostMilliseconds, "ms")),
            ]
        );
    }

    private static string Cell(Spread spread) => CaseTable.Cell($"{spread.Least:0} / {spread.Median:0} / {spread.Most:0}");

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
        {
            var date = TimeProvider.System.GetUtcNow().AddDays(-days).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
            query = query.Replace($"{{{days}}}", date, StringComparison.Ordinal);
        }

        return query;
    }

    private static async Task<double> AskAsync(Product product, string path, CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        using var request = new HttpRequestMessage(HttpMethod.Get, path) { Headers = { { "X-API-Key", product.ApiKey } } };
        using var response = await product.Server.Client.SendAsync(request, cancellationToken);
        var body = await response.Content.ReadAsStringAsync(cancellationToken);
        var elapsed = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
        return response.StatusCode == HttpStatusCode.OK && HasClicks(body)
            ? elapsed
            : throw new LoadException($"GET {path} answered {(int)response.StatusCode}: {body[..Math.Min(body.Length, 500)]}");
    }

    private static bool HasClicks(string body)
    {
        var answer = JsonElement.Parse(body);
        return answer.TryGetProperty("total_clicks", out var clicks)
            ? clicks.GetInt64() > ClicksPerDay && answer.GetProperty("unique_visitors").GetInt64() > VisitorsPerDay / 2
            : answer.GetProperty("analytics").ValueKind == JsonValueKind.Object;
    }
}
