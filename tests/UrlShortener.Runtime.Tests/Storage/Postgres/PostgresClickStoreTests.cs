using Microsoft.Extensions.Time.Testing;
using Npgsql;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Statistics;
using UrlShortener.Runtime.Storage.Postgres;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Postgres;

public sealed class PostgresClickStoreTests(PostgresStores database) : ClickStoreContract, IClassFixture<PostgresStores>
{
    [Fact]
    public async Task Append_ClicksOfManyLinks_ReadsNoTableWhole()
    {
        await OpenAsync();
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(TestContext.Current.CancellationToken);

        // As many as the largest batch, which makes the planner reckon with more links than there are.
        var plan = await PostgresPlans.ExplainAsync(
            connection,
            PostgresLinkCounts.CodeByCodeSql,
            PostgresLinkCounts.CountSql,
            $"ARRAY[{string.Join(',', Enumerable.Range(0, 5000).Select(i => $"'code{i}'"))}], array_fill(1::bigint, ARRAY[5000]), array_fill(now(), ARRAY[5000])",
            TestContext.Current.CancellationToken
        );

        Assert.Contains(plan, line => line.Contains("Index Scan using kgs_keys_", StringComparison.Ordinal));
        Assert.DoesNotContain(
            plan,
            line =>
                line.Contains("Seq Scan", StringComparison.Ordinal)
                || line.Contains("Bitmap", StringComparison.Ordinal)
                || line.Contains("Join", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task FindFollowed_ManyLinks_ReadsAsManyAsItReturns()
    {
        var user = await NewUserAsync();
        await database.ExecuteAsync(
            $"""
            INSERT INTO followed_links (short_code, user_id, minute)
            SELECT 'f' || i, CASE WHEN i % 2 = 0 THEN {user.Id} ELSE -1 END, date_trunc('minute', now()) - i % 60 * interval '1 minute'
            FROM generate_series(1, 2000) AS i;
            ANALYZE followed_links
            """
        );
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync(Token);

        var plan = await PostgresPlans.ExplainAsync(
            connection,
            PostgresLinkStore.PlanOnceSql,
            PostgresLinkStore.FollowedSql,
            $"{user.Id}, now() - interval '1 hour', 5",
            Token
        );

        Assert.Contains(plan, line => line.Contains("using idx_followed_links_user_id on followed_links (actual rows=5 ", StringComparison.Ordinal));
        Assert.DoesNotContain(plan, line => line.Contains("Seq Scan on followed_links", StringComparison.Ordinal));
    }

    [Fact]
    public async Task FindFollowed_DeletedLink_IsLeftOut()
    {
        var user = await NewUserAsync();
        var (kept, deleted) = (await CreateOneAsync(user.Id), await CreateOneAsync(user.Id));
        await Clicks.AppendAsync(Guid.NewGuid(), [Click(kept.ShortCode, Quarter), Click(deleted.ShortCode, Quarter)], Token);
        await Links.DeleteAsync(deleted.ShortCode, user.Id, Token);
        // As a process leaves it that counted while the link was deleted.
        await database.ExecuteAsync(
            $"INSERT INTO followed_links (short_code, user_id, minute) VALUES ('{deleted.ShortCode}', {user.Id}, '{Quarter.UtcDateTime:O}')"
        );

        Assert.Equal([kept.ShortCode], await ((IFollowedLinks)Links).FindFollowedAsync(user.Id, Quarter, 10, Token));
    }

    [Fact]
    public async Task ReadTotals_WholeDays_ReadNoSingleClicks()
    {
        var clicks = Stores.Clicks;
        var today = new DateTimeOffset(Now.UtcDateTime.Date, TimeSpan.Zero);
        var stored = RandomClicks("abcd", today);
        await clicks.AppendAsync(Guid.NewGuid(), stored, Token);
        while (await Stores.Sums.SumUpAsync(DateOnly.FromDateTime(today.UtcDateTime), Token) > 0)
            Token.ThrowIfCancellationRequested();
        var before = await Stores.Statistics.ReadTotalsAsync("abcd", today.AddDays(-4), today, Owner, Token);
        await using var connection = new NpgsqlConnection(database.ConnectionString + ";Target Session Attributes=primary");
        await connection.OpenAsync(Token);
        await using var truncate = new NpgsqlCommand("TRUNCATE click_events", connection);
        await truncate.ExecuteNonQueryAsync(Token);

        var after = await Stores.Statistics.ReadTotalsAsync("abcd", today.AddDays(-4), today, Owner, Token);

        Assert.Equal(stored.Count(click => !click.IsBot && click.At < today), after.Clicks);
        Assert.Equal((before.Clicks, before.Visitors, before.Bots), (after.Clicks, after.Visitors, after.Bots));
        Assert.Equal(before.Quarters, after.Quarters);
        Assert.Equal(before.Sources, after.Sources);
        // Of today nobody's visitors are counted yet, and of a part of a day nothing is.
        Assert.Equal(
            (after.Clicks, after.Visitors),
            ((await Stores.Statistics.ReadTotalsAsync("abcd", today.AddDays(-4), today.AddMilliseconds(1), Owner, Token)).Clicks, after.Visitors)
        );
        Assert.True((await Stores.Statistics.ReadTotalsAsync("abcd", today.AddDays(-4).AddHours(12), today, Owner, Token)).Clicks < after.Clicks);
    }

    [Fact]
    public async Task Append_ManyWritersWithMoreSourcesThanADayKeeps_KeepNoMoreTogether()
    {
        var (code, other) = (NewCode(), NewCode());

        await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(writer =>
                    Task.Run(
                        async () =>
                        {
                            for (var batch = 0; batch < 3; batch++)
                            {
                                var sources = Enumerable.Range(0, 100).Select(i => $"w{writer}-{batch}-{i}.example");
                                await Stores.Clicks.AppendAsync(
                                    Guid.NewGuid(),
                                    [
                                        .. sources.Select(source => Click(code, Now) with { Source = source }),
                                        Click(code, Now) with
                                        {
                                            Source = "known.example",
                                        },
                                        Click(other, Now),
                                    ],
                                    Token
                                );
                            }
                        },
                        Token
                    )
                )
        );

        Assert.Equal((2_424L, 24L), (await ReadAsync("sum(clicks)", "true"), await ReadAsync("sum(clicks)", "value = 'known.example'")));
        // Places of names that come again go unused by the batch that fills the last ones.
        Assert.InRange(await ReadAsync("count(*)", "value <> '(other sources)'"), 990L, 1_000L);

        async Task<long> ReadAsync(string what, string where)
        {
            await using var connection = new NpgsqlConnection(database.ConnectionString + ";Target Session Attributes=primary");
            await connection.OpenAsync(Token);
            await using var command = new NpgsqlCommand($"SELECT {what} FROM click_day_values WHERE short_code = $1 AND kind = 2 AND {where}", connection)
            {
                Parameters = { new() { Value = code } },
            };
            return (long)(await command.ExecuteScalarAsync(Token))!;
        }
    }

    // Releases before the inbox insert single clicks during a rollout, and so does an import of saved changes.
    [Fact]
    public async Task Append_RandomClicks_AddsTheSumsThatTheTriggerAddsForSingleOnes()
    {
        var (folded, single) = (NewCode(), NewCode());
        var today = new DateTimeOffset(Now.UtcDateTime.Date, TimeSpan.Zero);
        var clicks = RandomClicks(folded, today);
        // More than a day keeps by name, most of them once.
        var many = Enumerable.Range(0, 1_100).Select(i => Click(folded, today.AddMilliseconds(i)) with { Source = $"s{i % 1_050}.example" });
        foreach (var batch in new[] { clicks[..150], [.. clicks[150..].Concat(many)] })
        {
            await Stores.Clicks.AppendAsync(Guid.NewGuid(), batch, Token);
            await database.ExecuteAsync(
                $"""
                INSERT INTO click_events (short_code, clicked_at, ip_hash, country, source, device, is_bot)
                SELECT '{single}', clicked_at, ip_hash, country, source, device, is_bot FROM click_events c
                WHERE short_code = '{folded}' AND (SELECT count(*) FROM click_events WHERE short_code = '{single}') <= 150
                ORDER BY id LIMIT {batch.Count} OFFSET (SELECT count(*) FROM click_events WHERE short_code = '{single}')
                """
            );
        }

        var sums = new[] { folded, single }.Select(code => ReadSumsAsync(code));
        var both = await Task.WhenAll(sums);

        Assert.Equal(both[0], both[1]);
        Assert.Contains("(other sources)", both[0], StringComparison.Ordinal);

        async Task<string> ReadSumsAsync(string code)
        {
            await using var connection = new NpgsqlConnection(database.ConnectionString + ";Target Session Attributes=primary");
            await connection.OpenAsync(Token);
            // Which of the sources that come once get a place is open.
            await using var command = new NpgsqlCommand(
                """
                SELECT (SELECT jsonb_agg(to_jsonb(d) - 'short_code' ORDER BY day) FROM click_days d WHERE short_code = $1)::text
                    || (SELECT jsonb_agg(to_jsonb(h) - 'short_code' ORDER BY hour) FROM click_hours h WHERE short_code = $1)::text
                    || (SELECT jsonb_agg(jsonb_build_array(day, kind, value, clicks) ORDER BY day, kind, value COLLATE "C") FROM click_day_values
                        WHERE short_code = $1 AND value NOT LIKE 's%.example')::text
                    || (SELECT jsonb_build_array(count(*), sum(clicks)) FROM click_day_values WHERE short_code = $1 AND value LIKE 's%.example')::text
                """,
                connection
            )
            {
                Parameters = { new() { Value = code } },
            };
            return (string)(await command.ExecuteScalarAsync(Token))!;
        }
    }

    [Fact]
    public async Task ReadTotals_ManyVisitorsToday_AreCountedAnewAfterAMoment()
    {
        var time = new FakeTimeProvider(Now);
        var process = await database.NewDatabaseAsync(new PostgresOptions { ReadFromReplicas = false });
        var (clicks, statistics) = (new FoldingClickSink(process, new PostgresClickFolder(process, time)), new PostgresStatistics(process, time));
        var today = new DateTimeOffset(Now.UtcDateTime.Date, TimeSpan.Zero);
        var (popular, quiet) = (NewCode(), NewCode());
        await clicks.AppendAsync(
            Guid.NewGuid(),
            [.. Enumerable.Range(0, CountedVisitors.LeastVisitors).Select(_ => Click(popular, today)), Click(quiet, today)],
            Token
        );
        Task<ClickTotals> ReadAsync(string code, double seconds = 1) => statistics.ReadTotalsAsync(code, today, today.AddSeconds(seconds), Owner, Token);
        Assert.Equal((CountedVisitors.LeastVisitors, 1), ((await ReadAsync(popular)).Visitors, (await ReadAsync(quiet)).Visitors));
        await clicks.AppendAsync(Guid.NewGuid(), [Click(popular, today), Click(quiet, today)], Token);

        var (soon, ofQuiet, earlier) = (await ReadAsync(popular, 2), await ReadAsync(quiet, 2), await ReadAsync(popular, 0.5));
        time.Advance(CountedVisitors.KeptFor);
        var later = await ReadAsync(popular, 2);

        Assert.Equal((CountedVisitors.LeastVisitors + 1, CountedVisitors.LeastVisitors), (soon.Clicks, soon.Visitors));
        Assert.Equal(2, ofQuiet.Visitors);
        Assert.Equal(CountedVisitors.LeastVisitors + 1, earlier.Visitors);
        Assert.Equal(CountedVisitors.LeastVisitors + 1, later.Visitors);
    }

    // Statistics may lag as far behind as a replica does; what the contract asks for is asked of the primary.
    private protected override ValueTask<Stores> OpenAsync() => database.OpenOnPrimaryAsync();
}
