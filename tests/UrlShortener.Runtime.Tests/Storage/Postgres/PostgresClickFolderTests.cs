using Npgsql;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Storage;
using UrlShortener.Runtime.Storage.Postgres;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Postgres;

public sealed class PostgresClickFolderTests(PostgresStores database) : StoreContract, IClassFixture<PostgresStores>
{
    private const string Agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

    [Theory]
    [InlineData(0, 0.5)]
    [InlineData(0.001, 0.5)]
    [InlineData(0.2, 10)]
    [InlineData(5, 30)]
    public void PauseAfter_Round_IsFiftyTimesAsLongWithinBounds(double took, double pause) =>
        Assert.Equal(TimeSpan.FromSeconds(pause), PostgresClickFolder.PauseAfter(TimeSpan.FromSeconds(took)));

    [Fact]
    public async Task Append_Batch_WaitsInTheInboxUntilItIsFolded()
    {
        var (process, folder) = await NewFolderAsync();
        var link = await CreateOneAsync();

        await new PostgresClickSink(process).AppendAsync(Guid.NewGuid(), [Click(link.ShortCode), Click(link.ShortCode)], Token);
        Assert.Equal(0, (await Links.FindAsync(link.ShortCode, Token))!.ClickCount);
        Assert.Equal((1L, 0L), (await ReadAsync<long>("SELECT count(*) FROM click_inbox"), await CountAsync(link.ShortCode)));
        await folder.FoldAllAsync(Token);
        await folder.FoldAllAsync(Token);

        Assert.Equal(2, (await Links.FindAsync(link.ShortCode, Token))!.ClickCount);
        Assert.Equal((0L, 2L), (await ReadAsync<long>("SELECT count(*) FROM click_inbox"), await CountAsync(link.ShortCode)));
    }

    [Fact]
    public async Task Append_BatchThatIsFoldedAlready_IsNotStoredAgain()
    {
        var (process, folder) = await NewFolderAsync();
        var (code, batch) = (NewCode(), Guid.NewGuid());
        var sink = new PostgresClickSink(process);

        await sink.AppendAsync(batch, [Click(code)], Token);
        await folder.FoldAllAsync(Token);
        await sink.AppendAsync(batch, [Click(code)], Token);
        await folder.FoldAllAsync(Token);

        Assert.Equal(1, await CountAsync(code));
    }

    [Fact]
    public async Task Fold_PauseIsNotOver_LeavesTheInboxAlone()
    {
        var (process, folder) = await NewFolderAsync();
        var code = NewCode();
        await new PostgresClickSink(process).AppendAsync(Guid.NewGuid(), [Click(code)], Token);
        await ExecuteAsync("UPDATE click_fold SET next_at = now() + interval '59 s'; UPDATE click_inbox SET stored_at = now() - interval '3 s'");

        var (isDue, delay) = await folder.LookAsync(Token);
        Assert.False(isDue);
        Assert.True(delay >= TimeSpan.FromSeconds(3));
        await folder.FoldAsync(Token);
        Assert.Equal(0, await CountAsync(code));
        await ExecuteAsync("UPDATE click_fold SET next_at = now()");
        Assert.True((await folder.LookAsync(Token)).IsDue);
        await folder.FoldAsync(Token);

        Assert.Equal(1, await CountAsync(code));
        Assert.True(await ReadAsync<bool>("SELECT next_at > now() - interval '1 s' FROM click_fold"));
        Assert.Equal((false, TimeSpan.Zero), await folder.LookAsync(Token));
    }

    // As the clock of a former primary was ahead by an hour.
    [Fact]
    public async Task Fold_PauseIsLongerThanAny_IsOver()
    {
        var (process, folder) = await NewFolderAsync();
        var code = NewCode();
        await new PostgresClickSink(process).AppendAsync(Guid.NewGuid(), [Click(code)], Token);
        await ExecuteAsync("UPDATE click_fold SET next_at = now() + interval '1 hour'");

        Assert.True((await folder.LookAsync(Token)).IsDue);
        await folder.FoldAsync(Token);

        Assert.Equal(1, await CountAsync(code));
    }

    [Fact]
    public async Task Fold_ProcessIsFrozenInTheMiddle_AnotherOneFolds()
    {
        var (process, folder) = await NewFolderAsync();
        using var clock = new FrozenClock();
        var frozen = new PostgresClickFolder(process, clock) { FrozenAfter = TimeSpan.FromMilliseconds(300) };
        var link = await CreateOneAsync();
        await new PostgresClickSink(process).AppendAsync(Guid.NewGuid(), [Click(link.ShortCode)], Token);

        var left = Task.Run(() => frozen.FoldAllAsync(Token), Token);
        await clock.WaitUntilFrozenAsync(Token);
        await folder.FoldAllAsync(Token);

        Assert.Equal((1L, 1L), (await CountAsync(link.ShortCode), (await Links.FindAsync(link.ShortCode, Token))!.ClickCount));
        clock.Thaw();
        await Assert.ThrowsAnyAsync<Exception>(() => left);
        await folder.FoldAllAsync(Token);
        Assert.Equal(1, await CountAsync(link.ShortCode));
    }

    // What the server's socket has, not what was asked for: it is read from there.
    [Fact]
    public async Task Fold_MachineIsGone_IsFoundByKeepalivesWithin25Seconds()
    {
        await using var connection = await ConnectAsync();
        var before = await ReadKeepalivesAsync();
        await using (var transaction = await connection.BeginTransactionAsync(Token))
        {
            await using var limit = new NpgsqlCommand(PostgresClickFolder.EndWhenFrozenSql, connection) { Parameters = { new() { Value = "30000ms" } } };
            await limit.ExecuteScalarAsync(Token);
            Assert.Equal("10 5 3", await ReadKeepalivesAsync());
        }

        Assert.Equal(before, await ReadKeepalivesAsync());

        async Task<string> ReadKeepalivesAsync()
        {
            await using var read = new NpgsqlCommand(
                "SELECT concat_ws(' ', current_setting('tcp_keepalives_idle'), current_setting('tcp_keepalives_interval'), "
                    + "current_setting('tcp_keepalives_count'))",
                connection
            );
            return (string)(await read.ExecuteScalarAsync(Token))!;
        }
    }

    [Fact]
    public async Task Fold_AnotherProcessFolds_DoesNotWait()
    {
        var (process, folder) = await NewFolderAsync();
        var code = NewCode();
        await new PostgresClickSink(process).AppendAsync(Guid.NewGuid(), [Click(code)], Token);
        await using var connection = await ConnectAsync();
        await ExecuteAsync("UPDATE click_fold SET next_at = now()");
        await using (await connection.BeginTransactionAsync(Token))
        {
            await using var hold = new NpgsqlCommand("SELECT 1 FROM click_fold FOR UPDATE", connection);
            await hold.ExecuteScalarAsync(Token);
            await folder.FoldAsync(Token);
        }

        Assert.Equal(0, await CountAsync(code));
        await folder.FoldAllAsync(Token);
        Assert.Equal(1, await CountAsync(code));
    }

    [Fact]
    public async Task Fold_MoreClicksThanATransactionTakes_FoldsAll()
    {
        var (process, folder) = await NewFolderAsync();
        var sink = new PostgresClickSink(process);
        // Links beyond the limit of a transaction, so that batches are left for the next one.
        foreach (var chunk in Enumerable.Range(0, 12_000).Chunk(4_000))
            await sink.AppendAsync(Guid.NewGuid(), [.. chunk.Select(i => Click($"many{i}"))], Token);

        await folder.FoldAllAsync(Token);

        Assert.Equal(12_000, await ReadAsync<long>("SELECT count(*) FROM click_events WHERE short_code LIKE 'many%'"));
        Assert.Equal(0, await ReadAsync<long>("SELECT count(*) FROM click_inbox"));
    }

    [Fact]
    public async Task Fold_BatchOfANewerRelease_StaysAndHoldsUpNoOther()
    {
        var (process, folder) = await NewFolderAsync();
        var code = NewCode();
        await ExecuteAsync(
            "INSERT INTO click_inbox (batch, stored_at, clicks, first_at, packed) VALUES (gen_random_uuid(), now() - interval '1 hour', 1, 0, '\\x630100')"
        );
        await new PostgresClickSink(process).AppendAsync(Guid.NewGuid(), [Click(code)], Token);

        await folder.FoldAllAsync(Token);

        Assert.Equal((1L, 1L, 1), (await CountAsync(code), await ReadAsync<long>("SELECT count(*) FROM click_inbox"), folder.Unreadable));
        await ExecuteAsync("DELETE FROM click_inbox");
        await folder.FoldAllAsync(Token);
        Assert.Equal(0, folder.Unreadable);
    }

    // More than a part takes, as after the rollback of a release with another format under load.
    [Fact]
    public async Task Fold_ManyBatchesOfANewerRelease_HoldUpNoOther()
    {
        const int unreadable = 1_200;
        var (process, folder) = await NewFolderAsync();
        var code = NewCode();
        await ExecuteAsync(
            $"""
            INSERT INTO click_inbox (batch, stored_at, clicks, first_at, packed)
            SELECT gen_random_uuid(), now() - interval '1 hour', 100, 0, '\x630100' FROM generate_series(1, {unreadable})
            """
        );
        await new PostgresClickSink(process).AppendAsync(Guid.NewGuid(), [Click(code)], Token);

        await folder.FoldAllAsync(Token);

        Assert.Equal((1L, unreadable), (await CountAsync(code), folder.Unreadable));
        Assert.Equal(unreadable, await ReadAsync<long>("SELECT count(*) FROM click_inbox"));
        await ExecuteAsync("DELETE FROM click_inbox");
    }

    [Fact]
    public async Task Fold_LongInbox_ReadsWhatItTakes()
    {
        await NewFolderAsync();
        await ExecuteAsync(
            """
            INSERT INTO click_inbox (batch, stored_at, clicks, first_at, packed)
            SELECT gen_random_uuid(), now() - i * interval '1 s', 100, 0, '\x630100' FROM generate_series(1, 5000) AS i;
            ANALYZE click_inbox
            """
        );
        await using var connection = await ConnectAsync();

        var due = await PostgresPlans.ExplainAsync(connection, "SELECT 1", $"{PostgresClickFolder.DueSql} WHERE $1", "true", Token);
        await using var transaction = await connection.BeginTransactionAsync(Token);
        var take = await PostgresPlans.ExplainAsync(
            connection,
            PostgresClickFolder.InOrderSql,
            PostgresClickFolder.TakeSql,
            "100000, 8388608, 1000, '{}'",
            Token
        );

        foreach (var plan in new[] { due, take })
        {
            Assert.Contains(plan, line => line.Contains("idx_click_inbox_stored_at on click_inbox", StringComparison.Ordinal));
            Assert.DoesNotContain(plan, line => line.Contains("Seq Scan on click_inbox", StringComparison.Ordinal));
        }

        Assert.Contains(take, line => line.Contains("on click_inbox (actual rows=1000", StringComparison.Ordinal));
        await transaction.RollbackAsync(Token);
        await ExecuteAsync("DELETE FROM click_inbox");
    }

    [Theory]
    [InlineData("no code", 0, 0)]
    [InlineData("longer than any", 0, 0)]
    [InlineData(null, long.MaxValue / 2, 0)]
    [InlineData(null, -1, 0)]
    [InlineData(null, 0, 9)]
    public async Task Fold_DamagedBatch_StaysAndHoldsUpNoOther(string? text, long shift, int device)
    {
        var (process, folder) = await NewFolderAsync();
        var code = NewCode();
        var click = Click(text ?? code) with { Device = (DeviceClass)device };
        var packed = Convert.ToHexString(new ClickPacking().PackWithCodes([click], click.At.ToUnixTimeMilliseconds()).Span);
        var firstAt = shift < 0 ? shift : click.At.ToUnixTimeMilliseconds() + shift;
        await ExecuteAsync($"INSERT INTO click_inbox (batch, clicks, first_at, packed) VALUES (gen_random_uuid(), 1, {firstAt}, '\\x{packed}')");
        await new PostgresClickSink(process).AppendAsync(Guid.NewGuid(), [Click(code)], Token);

        await folder.FoldAllAsync(Token);

        Assert.Equal((1L, 1L, 1), (await CountAsync(code), await ReadAsync<long>("SELECT count(*) FROM click_inbox"), folder.Unreadable));
        await ExecuteAsync("DELETE FROM click_inbox");
    }

    [Fact]
    public async Task Fold_BatchThatTheDatabaseRefuses_StaysAndHoldsUpNoOther()
    {
        var (process, folder) = await NewFolderAsync();
        var code = NewCode();
        var sink = new PostgresClickSink(process);
        foreach (var i in Enumerable.Range(0, 7))
            await sink.AppendAsync(Guid.NewGuid(), [Click(code) with { City = i == 3 ? new string('x', 101) : null }], Token);

        await FoldUntilItWorksAsync(folder);

        Assert.Equal((6L, 1L, 1), (await CountAsync(code), await ReadAsync<long>("SELECT count(*) FROM click_inbox"), folder.Unreadable));
        await ExecuteAsync("DELETE FROM click_inbox");
    }

    // As one whose transaction would take longer than its time limit.
    [Fact]
    public async Task Fold_PartFails_IsTriedAgainWithFewerBatches()
    {
        var (process, folder) = await NewFolderAsync();
        var code = NewCode();
        var sink = new PostgresClickSink(process);
        foreach (var _ in Enumerable.Range(0, 9))
            await sink.AppendAsync(Guid.NewGuid(), [Click(code)], Token);
        await ExecuteAsync(
            """
            CREATE FUNCTION refuse_many() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF (SELECT count(*) FROM added) > 2 THEN RAISE 'too many'; END IF;
                RETURN NULL;
            END $$;
            CREATE TRIGGER refuse_many AFTER INSERT ON click_events REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION refuse_many()
            """
        );
        try
        {
            await FoldUntilItWorksAsync(folder);
        }
        finally
        {
            await ExecuteAsync("DROP FUNCTION refuse_many CASCADE");
        }

        Assert.Equal((9L, 0), (await CountAsync(code), folder.Unreadable));
    }

    [Fact]
    public async Task Fold_TextOfSeveralVisitors_IsStoredOnce()
    {
        var (process, folder) = await NewFolderAsync();
        var code = NewCode();
        var (agent, page, rare) = ($"{Agent} {code}", $"https://{code}.example/", $"rare {code}");
        var sink = new PostgresClickSink(process);
        StoredClick[] clicks =
        [
            .. Enumerable.Range(0, 3).Select(_ => Click(code) with { IpHash = NewVisitor(), UserAgent = agent, Referrer = page }),
            // One visitor, however often, and somebody without a hash.
            .. Enumerable.Repeat(Click(code) with { IpHash = NewVisitor(), UserAgent = rare }, 5),
            .. Enumerable.Repeat(Click(code) with { UserAgent = rare }, 5),
        ];

        await sink.AppendAsync(Guid.NewGuid(), clicks, Token);
        await folder.FoldAllAsync(Token);
        // Another process, which has not read the texts yet, and this one, which has added them.
        foreach (var next in new[] { new PostgresClickFolder(process, TimeProvider.System), folder })
        {
            await sink.AppendAsync(Guid.NewGuid(), [clicks[0]], Token);
            await next.FoldAllAsync(Token);
        }

        Assert.Equal(2, await ReadAsync<long>($"SELECT count(*) FROM click_texts WHERE text IN ('{agent}', '{page}', '{rare}')"));
        Assert.Equal(
            5,
            await ReadAsync<long>($"SELECT count(*) FROM click_events WHERE short_code = '{code}' AND agent_id IS NOT NULL AND user_agent IS NULL")
        );
        Assert.Equal(
            10,
            await ReadAsync<long>($"SELECT count(*) FROM click_events WHERE short_code = '{code}' AND user_agent = '{rare}' AND agent_id IS NULL")
        );
        Assert.Equal(
            5,
            await ReadAsync<long>(
                $"""
                SELECT count(*) FROM click_events c JOIN click_texts a ON a.month = date_trunc('month', c.clicked_at AT TIME ZONE 'UTC') AND a.id = c.agent_id
                    JOIN click_texts r ON r.month = a.month AND r.id = c.referrer_id
                WHERE c.short_code = '{code}' AND a.text = '{agent}' AND r.text = '{page}'
                """
            )
        );
    }

    [Fact]
    public async Task Fold_TextWhoseNumberIsTaken_StaysInItsRow()
    {
        var (process, folder) = await NewFolderAsync();
        var code = NewCode();
        var agent = $"{Agent} {code}";
        await ExecuteAsync(
            $"""
            INSERT INTO click_texts (month, id, text)
            VALUES (date_trunc('month', '{Now:yyyy-MM-dd}'::timestamp)::date, {PostgresClickTexts.IdOf(agent)}, 'another {code}')
            """
        );

        await new PostgresClickSink(process).AppendAsync(
            Guid.NewGuid(),
            [.. Enumerable.Range(0, 5).Select(_ => Click(code) with { IpHash = NewVisitor(), UserAgent = agent })],
            Token
        );
        await folder.FoldAllAsync(Token);

        Assert.Equal(5, await ReadAsync<long>($"SELECT count(*) FROM click_events WHERE short_code = '{code}' AND user_agent = '{agent}'"));
    }

    [Fact]
    public async Task ReadTotals_RowsOfAnOlderRelease_CountTheSameVisitorOnce()
    {
        var (process, folder) = await NewFolderAsync();
        var statistics = new PostgresStatistics(process, TimeProvider.System);
        var (code, visitor) = (NewCode(), NewVisitor());
        var at = new DateTimeOffset(Now.UtcDateTime.Date, TimeSpan.Zero).AddHours(1);
        await new PostgresClickSink(process).AppendAsync(Guid.NewGuid(), [Click(code) with { At = at, IpHash = visitor }], Token);
        await folder.FoldAllAsync(Token);
        // As such a release writes it during a rollout.
        await ExecuteAsync(
            $"""
            INSERT INTO click_events (short_code, clicked_at, user_agent, ip_hash, device, is_bot)
            VALUES
                ('{code}', '{at:yyyy-MM-dd HH:mm:ss}+00', 'Mozilla/5.0', '{visitor}', 0, false),
                ('{code}', '{at:yyyy-MM-dd HH:mm:ss}+00', NULL, '', 0, false)
            """
        );

        var totals = await statistics.ReadTotalsAsync(code, at.AddMinutes(-1), at.AddMinutes(1), Owner, Token);

        Assert.Equal((3, 1), (totals.Clicks, totals.Visitors));
    }

    [Fact]
    public async Task DeleteOfDeletedLinks_ClicksInTheInbox_AreGoneWhenNothingIsDue()
    {
        var (process, folder) = await NewFolderAsync();
        var user = await NewUserAsync();
        var link = await CreateOneAsync(user.Id);
        var retention = new PostgresClickRetention(process, folder);
        await Links.DeleteAsync(link.ShortCode, user.Id, Token);
        await new PostgresClickSink(process).AppendAsync(Guid.NewGuid(), [Click(link.ShortCode)], Token);
        // As a process leaves it that counted while the link was deleted.
        await ExecuteAsync($"INSERT INTO followed_links (short_code, user_id, minute) VALUES ('{link.ShortCode}', {user.Id}, now())");

        while (await retention.DeleteOfDeletedLinksAsync(100, Token) > 0)
            Token.ThrowIfCancellationRequested();

        Assert.Equal(
            (0L, 0L, 0L, 0L),
            (
                await ReadAsync<long>("SELECT count(*) FROM click_inbox"),
                await ReadAsync<long>($"SELECT count(*) FROM followed_links WHERE short_code = '{link.ShortCode}'"),
                await CountAsync(link.ShortCode),
                await ReadAsync<long>($"SELECT count(*) FROM click_days WHERE short_code = '{link.ShortCode}'")
            )
        );
    }

    [Fact]
    public async Task DeleteBefore_TextsOfMonthsGoneBy_AreDeleted()
    {
        var (process, folder) = await NewFolderAsync();
        await ExecuteAsync("INSERT INTO click_texts (month, id, text) VALUES ('2020-01-01', 1, 'old'), ('2020-02-01', 1, 'kept')");

        await new PostgresClickRetention(process, folder).DeleteBeforeAsync(new DateTimeOffset(2020, 2, 20, 0, 0, 0, TimeSpan.Zero), 100, Token);

        Assert.Equal("kept", await ReadAsync<string>("SELECT string_agg(text, ',') FROM click_texts WHERE month < '2021-01-01'"));
    }

    [Fact]
    public async Task DeleteBefore_BatchThatNobodyCouldFold_IsDeletedAndCounted()
    {
        var (process, folder) = await NewFolderAsync();
        await ExecuteAsync(
            """
            INSERT INTO click_inbox (batch, stored_at, clicks, first_at, packed)
            VALUES (gen_random_uuid(), '2020-02-19', 7, 0, '\x630100'), (gen_random_uuid(), '2020-02-21', 9, 0, '\x630100')
            """
        );
        var before = ClickMetrics.DroppedUncounted.Value;

        await new PostgresClickRetention(process, folder).DeleteBeforeAsync(new DateTimeOffset(2020, 2, 20, 0, 0, 0, TimeSpan.Zero), 100, Token);

        Assert.Equal((9L, 7d), (await ReadAsync<long>("SELECT sum(clicks) FROM click_inbox"), ClickMetrics.DroppedUncounted.Value - before));
        await ExecuteAsync("DELETE FROM click_inbox");
    }

    private protected override ValueTask<Stores> OpenAsync() => database.OpenOnPrimaryAsync();

    private static StoredClick Click(string code) => new(code, Now, null, null, "Mozilla/5.0", default, null, null, DeviceClass.Desktop, IsBot: false);

    private async Task<(PostgresDatabase Process, PostgresClickFolder Folder)> NewFolderAsync()
    {
        await OpenAsync();
        PostgresDatabase process = await database.NewDatabaseAsync(new PostgresOptions { ReadFromReplicas = false });
        return (process, new PostgresClickFolder(process, TimeProvider.System));
    }

    // As the worker, which is called again after a failure.
    private static async Task FoldUntilItWorksAsync(PostgresClickFolder folder)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                await folder.FoldAllAsync(Token);
                return;
            }
            catch (PostgresException) when (tries < 20) { }
        }
    }

    private Task<long> CountAsync(string code) => ReadAsync<long>($"SELECT count(*) FROM click_events WHERE short_code = '{code}'");

    private Task ExecuteAsync(string sql) => database.ExecuteAsync(sql);

    private async Task<NpgsqlConnection> ConnectAsync()
    {
        var connection = new NpgsqlConnection($"{database.ConnectionString};Target Session Attributes=primary");
        await connection.OpenAsync(Token);
        return connection;
    }

    private async Task<T> ReadAsync<T>(string sql)
    {
        await using var connection = await ConnectAsync();
        // Statements of tests, on a database of their own.
#pragma warning disable CA2100
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        return (T)(await command.ExecuteScalarAsync(Token))!;
    }

    // Its second look, which comes in the middle of a part, lasts until somebody thaws it.
    private sealed class FrozenClock : TimeProvider, IDisposable
    {
        private readonly SemaphoreSlim _isFrozen = new(0);
        private readonly ManualResetEventSlim _goesOn = new();
        private int _looks;

        public override long GetTimestamp()
        {
            if (Interlocked.Increment(ref _looks) == 2)
            {
                _isFrozen.Release();
                _goesOn.Wait();
            }

            return System.GetTimestamp();
        }

        public Task WaitUntilFrozenAsync(CancellationToken cancellationToken) => _isFrozen.WaitAsync(cancellationToken);

        public void Thaw() => _goesOn.Set();

        public void Dispose()
        {
            Thaw();
            _isFrozen.Dispose();
            _goesOn.Dispose();
        }
    }
}
