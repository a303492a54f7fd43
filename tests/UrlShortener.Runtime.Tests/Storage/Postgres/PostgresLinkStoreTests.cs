using Npgsql;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Storage.Postgres;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Postgres;

public sealed partial class PostgresLinkStoreTests(PostgresStores database) : LinkStoreContract, IClassFixture<PostgresStores>
{
    [Fact]
    public async Task Create_WhileLargeRequestsWait_IsAnsweredFirst()
    {
        var alias = NewCode();
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync(Token);
        await using var transaction = await connection.BeginTransactionAsync(Token);
        await using (
            var claim = new NpgsqlCommand("INSERT INTO kgs_keys (short_code, is_used, used_at, batch_id) VALUES ($1, true, now(), 0)", connection)
            {
                Parameters = { new() { Value = alias } },
            }
        )
            await claim.ExecuteNonQueryAsync(Token);

        // More of them than there are writers; each waits for the claim above.
        NewLink[] many = [NewLink(alias), .. Enumerable.Range(0, 200).Select(_ => NewLink())];
        var bulks = Enumerable.Range(0, 4).Select(_ => CreateAsync(null, Now, many)).ToList();
        await CreateOneAsync();

        Assert.All(bulks, bulk => Assert.False(bulk.IsCompleted));
        await transaction.RollbackAsync(Token);
        var created = await Task.WhenAll(bulks);
        Assert.Single(created, links => links[0] is not null);
        Assert.All(created, links => Assert.All(links.Skip(1), Assert.NotNull));
    }

    // Otherwise each search would be ended without an answer, and the next one would be no further.
    [Theory]
    [InlineData(100, 2_000, 100)]
    [InlineData(100, 100, 50)]
    [InlineData(10_000, 2_000, 1_000)]
    public void SearchTimeOf_Setting_LeavesTimeForTheAnswer(int setting, int limit, int expected) =>
        Assert.Equal(
            TimeSpan.FromMilliseconds(expected),
            PostgresLinkStore.SearchTimeOf(new LinkQuery(1, 10) { SearchTime = TimeSpan.FromMilliseconds(setting) }, TimeSpan.FromMilliseconds(limit))
        );

    [Fact]
    public async Task FindTarget_ManyPartitions_TouchesOneOfEachTable()
    {
        var link = await CreateOneAsync();
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync(Token);
        // As an ordinary statement and as a prepared one, whose plan is made before the code is known.
        foreach (var mode in new[] { "force_custom_plan", "force_generic_plan" })
        {
            var plan = await PostgresPlans.ExplainAsync(
                connection,
                $"SET plan_cache_mode = {mode}",
                PostgresLinkStore.FindTargetSql,
                $"'{link.ShortCode}'",
                Token
            );

            var touched = plan.Where(line => !line.Contains("never executed", StringComparison.Ordinal))
                .Select(line => Partition().Match(line))
                .Where(match => match.Success)
                .Select(match => match.Groups[1].Value)
                .Distinct()
                .ToList();
            Assert.Equal(2, touched.Count);
            Assert.Single(touched, name => name.StartsWith("kgs_keys_", StringComparison.Ordinal));
            Assert.Equal($"urls_{link.CreatedAt:yyyy_MM}", Assert.Single(touched, name => name.StartsWith("urls_", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public async Task FindTarget_ManyLinksOfOneMillisecondAndNoStatistics_ReadsOneLink()
    {
        var links = await CreateAsync(null, Now, [.. Enumerable.Range(0, 2_000).Select(_ => NewLink())]);
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync(Token);
        var partition = $"urls_{links[0]!.CreatedAt:yyyy_MM}";

        // Rolled back in the end, so that the statistics are missing here alone.
        await using var transaction = await connection.BeginTransactionAsync(Token);
        var plan = await PostgresPlans.ExplainAsync(
            connection,
            $"DELETE FROM pg_statistic WHERE starelid = '{partition}'::regclass; UPDATE pg_class SET reltuples = -1 WHERE oid = "
                + $"'{partition}'::regclass; {PostgresLinkStore.PlanOnceSql}",
            PostgresLinkStore.FindTargetSql,
            $"'{links[0]!.ShortCode}'",
            Token
        );

        Assert.Contains(plan, line => line.Contains($"Index Scan using {partition}_short_code_idx", StringComparison.Ordinal));
        Assert.DoesNotContain(plan, line => line.Contains("Bitmap", StringComparison.Ordinal) || line.Contains("created_at_idx", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("""{"b": 1.50, "a": "x y"}""", """{"a": "x y", "b": 1.50}""", "1.50")]
    [InlineData("{}", "{}", null)]
    // What earlier versions took as 9 bytes and answered with 131 KB, or 400 KB.
    [InlineData("""{"b": 1e131071}""", "{}", null)]
    [InlineData("""{"a": [{"b": -1e400}, 1e-16383]}""", "{}", null)]
    public async Task Read_MetadataWrittenByAnEarlierVersion_IsReadFilteredAndReplaced(string stored, string read, string? value)
    {
        var user = await NewUserAsync();
        var link = await CreateOneAsync(user.Id);
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync(Token);
        // As the earlier version's UPDATE does it.
        await using var update = new NpgsqlCommand("UPDATE urls SET metadata = coalesce($2::jsonb, metadata) WHERE short_code = $1", connection)
        {
            Parameters =
            {
                new() { Value = link.ShortCode },
                new() { Value = stored },
            },
        };
        await update.ExecuteNonQueryAsync(Token);

        Assert.Equal(read, (await Links.FindAsync(link.ShortCode, Token))!.Metadata);
        Assert.Equal(
            value is null ? 0 : 1,
            (await Links.ListAsync(new LinkQuery(user.Id, 10, Metadata: [KeyValuePair.Create("b", value ?? "1")]), Token)).Links.Count
        );
        var untouched = await Links.UpdateAsync(link.ShortCode, user.Id, new LinkChange { IsActive = false }, Token);
        var changed = await Links.UpdateAsync(link.ShortCode, user.Id, new LinkChange { Metadata = """{"b":1e9,"a":2}""" }, Token);

        Assert.Equal(read, untouched.Link!.Metadata);
        Assert.Equal("""{"b":1e9,"a":2}""", changed.Link!.Metadata);
    }

    [Fact]
    public async Task List_ByEnd_HasAnIndexOnEveryPartition()
    {
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync(Token);
        async Task<(bool IsValid, long Missing)> ReadAsync()
        {
            await using var command = new NpgsqlCommand(
                """
                SELECT indisvalid, (SELECT count(*) FROM pg_inherits WHERE inhparent = 'urls'::regclass) - (SELECT count(*) FROM pg_inherits WHERE inhparent = indexrelid)
                FROM pg_index WHERE indexrelid = 'idx_urls_user_end'::regclass
                """,
                connection
            );
            await using var reader = await command.ExecuteReaderAsync(Token);
            await reader.ReadAsync(Token);
            return (reader.GetBoolean(0), reader.GetInt64(1));
        }

        Assert.Equal((true, 0), await ReadAsync());
        var plan = await PostgresPlans.ExplainAsync(
            connection,
            "SET enable_seqscan = off; SET enable_sort = off",
            $"SELECT * FROM urls WHERE user_id = $1 ORDER BY {PostgresLinkStore.EndKey} DESC, id DESC LIMIT 21",
            "1",
            Token
        );
        Assert.Contains(plan, line => line.Contains("user_end", StringComparison.Ordinal));
        Assert.DoesNotContain(plan, line => line.Contains("Sort Key", StringComparison.Ordinal) && line.Contains("Sort Method", StringComparison.Ordinal));

        // As it is for an instant after the migration, and for good when a migration was cut off.
        await using (
            var detach = new NpgsqlCommand(
                $"DROP INDEX idx_urls_user_end; CREATE INDEX idx_urls_user_end ON ONLY urls (user_id, ({PostgresLinkStore.EndKey}), id)",
                connection
            )
        )
            await detach.ExecuteNonQueryAsync(Token);
        Assert.False((await ReadAsync()).IsValid);
        (await database.OpenDatabaseAsync()).Migrate();
        Assert.Equal((true, 0), await ReadAsync());
    }

    /// <summary>Whatever the planner expects to match: links of others are not read, and none is sorted.</summary>
    [Fact]
    public async Task List_AnyFilters_GoesAlongTheUsersLinksInOrder()
    {
        await using var connection = new NpgsqlConnection(database.ConnectionString);
        await connection.OpenAsync(Token);
        // Every third has each filter with each of the others, and each order.
        foreach (var (number, filters) in EveryCombinationOfFilters(1, "abc").Index().Where(entry => entry.Index % 3 == 0))
        {
            var query = filters with { After = number % 2 == 0 ? null : new LinkCursor(1, 1) };
            var (sql, values) = PostgresLinkStore.ListSql(query);
            await using var batch = new NpgsqlBatch(connection)
            {
                BatchCommands = { new(PostgresLinkStore.InOrderSql), PostgresCommands.Command($"EXPLAIN (COSTS OFF) {sql}", [.. values]) },
            };
            await using var reader = await batch.ExecuteReaderAsync(Token);
            await reader.NextResultAsync(Token);
            var steps = new List<string>();
            while (await reader.ReadAsync(Token))
                steps.Add(reader.GetString(0));

            var index = query.Order.By == LinkSort.ExpiresAt ? "_user_(id_coalesce_id_idx|end)$" : "_user_id(_created_at_id_idx)?$";
            var reads = steps.Where(step => step.Contains(" on urls_", StringComparison.Ordinal)).ToList();
            Assert.NotEmpty(reads);
            Assert.All(reads, read => Assert.Matches(index, IndexScan().Match(read).Groups[1].Value));
            Assert.DoesNotContain(steps, step => Sorting().IsMatch(step));
            // A partition that looks for a match of its own uses up the time before the first link is compared.
            Assert.All(
                steps.Index().Where(step => step.Item.Contains(" on urls_", StringComparison.Ordinal)),
                read =>
                    Assert.DoesNotContain(
                        steps.Skip(read.Index + 1).TakeWhile(step => !step.Contains("->", StringComparison.Ordinal)),
                        step => step.Contains("Filter:", StringComparison.Ordinal)
                    )
            );
        }
    }

    [Fact]
    public async Task Create_OneOfManyAtOnceHasAValueNobodyCanStore_NeighboursAreStored()
    {
        var alias = NewCode();
        // PostgreSQL's text cannot hold it. Stands for whatever a check of ours might let through.
        var bad = NewLink() with
        {
            OriginalUrl = "https://example.com/\0",
        };

        var creates = Enumerable
            .Range(0, 50)
            .Select(i => Task.Run(() => CreateAsync(null, Now, i == 25 ? bad : NewLink(i == 0 ? alias : null)), Token))
            .ToList();
        await Assert.ThrowsAsync<PostgresException>(() => creates[25]);
        foreach (var neighbour in creates.Where((_, i) => i != 25))
            Assert.NotNull(Assert.Single(await neighbour));
        Assert.NotNull(await Links.FindAsync(alias, Token));
    }

    [Fact]
    public async Task Create_AfterAValueThatNobodyCanStore_WorksOnTheSameConnection()
    {
        var stores = database.StoresOf(await database.NewDatabaseAsync());
        // The second use of a statement on a connection is the one that prepares it.
        for (var round = 0; round < 3; round++)
        {
            await stores.Links.CreateAsync(new CreateLinks([NewLink()], null, Now, NewKey), Token);
            await Assert.ThrowsAsync<PostgresException>(() =>
                stores.Links.CreateAsync(new CreateLinks([NewLink() with { OriginalUrl = "https://example.com/\0" }], null, Now, NewKey), Token)
            );
            await stores.Links.CreateAsync(new CreateLinks([NewLink()], null, Now, NewKey), Token);
        }
    }

    [Fact]
    public async Task Create_TenThousandLinks_AreStored()
    {
        var user = await NewUserAsync();

        var links = await CreateAsync(user.Id, Now, [.. Enumerable.Range(0, 10_000).Select(i => NewLink(target: $"https://example.com/{i}"))]);

        Assert.Equal(10_000, links.Select(link => link!.ShortCode).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal("https://example.com/9999", (await Links.FindAsync(links[9_999]!.ShortCode, Token))!.OriginalUrl);
        Assert.Equal(10_000, (await Stores.Users.FindByEmailAsync(user.Email, Token))!.UrlsCreated);
    }

    [Fact]
    public async Task Create_ByTwoProcessesAtOnce_EveryAliasHasOneOwner()
    {
        var other = database.StoresOf(await database.NewDatabaseAsync());
        var aliases = Enumerable.Range(0, 200).Select(_ => NewCode()).ToArray();

        var results = await Task.WhenAll(
            new[] { Links, other.Links }.Select(
                (store, process) =>
                    Task.Run(
                        async () =>
                        {
                            // In opposite orders, so that they would wait for each other in a circle if locks were taken in the order of the request.
                            var links = (process == 0 ? aliases : aliases.Reverse()).Select(alias => NewLink(alias)).ToArray();
                            return Assert.IsType<CreateLinksResult.Created>(await store.CreateAsync(new CreateLinks(links, null, Now, NewKey), Token)).Links;
                        },
                        Token
                    )
            )
        );

        Assert.Equal(
            aliases.Order(StringComparer.Ordinal),
            results.SelectMany(links => links).OfType<Link>().Select(link => link.ShortCode).Order(StringComparer.Ordinal)
        );
    }

    [Fact]
    public async Task Idempotency_TwinsInTwoProcesses_CreateOneLink()
    {
        var other = database.StoresOf(await database.NewDatabaseAsync());
        var user = await NewUserAsync();
        var idempotency = new Idempotency(
            NewHash(),
            NewHash(),
            Now.AddDays(1),
            links => new StoredReply(201, null, System.Text.Encoding.UTF8.GetBytes(links[0]!.ShortCode))
        );

        var results = await Task.WhenAll(
            Enumerable
                .Range(0, 40)
                .Select(i =>
                    Task.Run(
                        () => (i % 2 == 0 ? Links : other.Links).CreateAsync(new CreateLinks([NewLink()], user.Id, Now, NewKey, idempotency), Token),
                        Token
                    )
                )
        );

        Assert.Single(results.OfType<CreateLinksResult.Created>());
        Assert.Single((await Links.ListAsync(new LinkQuery(user.Id, 10), Token)).Links);
    }

    [Fact]
    public async Task FindTarget_VersionKnown_IsNeverOlder()
    {
        var user = await NewUserAsync();
        var link = await CreateOneAsync(user.Id);
        for (var i = 2; i < 30; i++)
        {
            var target = $"https://example.com/{i}";
            var changed = await Links.UpdateAsync(link.ShortCode, user.Id, new LinkChange { OriginalUrl = target }, Token);
            Assert.Equal(i, changed.Version.Number);

            // At once: no replica has it yet, or some have.
            Assert.Equal(
                new LinkTarget(target, null, 302, IsActive: true, changed.Version),
                await Links.FindTargetAsync(link.ShortCode, changed.Version, Token)
            );
        }

        var deleted = await Links.DeleteAsync(link.ShortCode, user.Id, Token);
        Assert.Equal(30, deleted.Version.Number);
        Assert.Null(await Links.FindTargetAsync(link.ShortCode, deleted.Version, Token));
    }

    [Fact]
    public async Task ChangeLog_ChangesAndDeletions_AreLoggedWithTheirVersions()
    {
        var log = (ILinkChangeLog)Links;
        var user = await NewUserAsync();
        var link = await CreateOneAsync(user.Id);
        await Links.UpdateAsync(link.ShortCode, user.Id, new LinkChange { IsActive = false }, Token);
        await Links.UpdateAsync(link.ShortCode, user.Id + 1, new LinkChange { IsActive = true }, Token);
        await Links.DeleteAsync(link.ShortCode, user.Id, Token);

        IReadOnlyList<LoggedChange> changes = [];
        await Eventually.HoldsAsync(async () =>
            (changes = [.. (await log.ReadAsync(TimeSpan.FromMinutes(1), Token)).Changes.Where(entry => entry.Change.ShortCode == link.ShortCode)]).Count == 2
        );

        Assert.Equal([2, 3], changes.Select(entry => entry.Change.Version.Number).Order());
        Assert.DoesNotContain((await log.ReadAsync(TimeSpan.Zero, Token)).Changes, entry => entry.Change.ShortCode == link.ShortCode);
        Assert.Equal(0, await log.DeleteAsync(TimeSpan.FromHours(1), Token));
    }

    [Fact]
    public async Task Epoch_Opened_StatesAndChangesFromThenOnAreOfIt()
    {
        var registry = (IEpochRegistry)Stores.Keys;
        var log = (ILinkChangeLog)Links;
        var user = await NewUserAsync();
        var link = await CreateOneAsync(user.Id);
        var before = (await Links.UpdateAsync(link.ShortCode, user.Id, new LinkChange { OriginalUrl = "https://example.com/before" }, Token)).Version;

        var epoch = await registry.OpenEpochAsync(await registry.ReadEpochAsync(Token) + 1, Token);

        // The same number is newer than it was; a replica that does not know of the epoch is not good enough.
        Assert.Equal(new StateVersion(epoch, 2), (await Links.FindTargetAsync(link.ShortCode, new StateVersion(epoch, 0), Token))!.Version);
        Assert.True(before < new StateVersion(epoch, 0));
        var after = (await Links.UpdateAsync(link.ShortCode, user.Id, new LinkChange { OriginalUrl = "https://example.com/after" }, Token)).Version;
        Assert.Equal(new StateVersion(epoch, 3), after);
        var deleted = (await Links.DeleteAsync(link.ShortCode, user.Id, Token)).Version;
        Assert.Equal(new StateVersion(epoch, 4), deleted);
        var recent = await log.ReadAsync(TimeSpan.FromMinutes(1), Token);
        Assert.Equal(epoch, recent.Epoch);
        Assert.Equal(
            [before, after, deleted],
            recent.Changes.Where(entry => entry.Change.ShortCode == link.ShortCode).Select(entry => entry.Change.Version).OrderBy(version => version.Number)
        );
    }

    [Fact]
    public async Task Epoch_OpenedDuringChanges_VersionsOfEachLinkGoUpInTheOrderOfTheirCommits()
    {
        var registry = (IEpochRegistry)Stores.Keys;
        var user = await NewUserAsync();
        var link = await CreateOneAsync(user.Id);
        var versions = new List<StateVersion>();
        using var stopping = new CancellationTokenSource();
        var changing = Task.Run(
            async () =>
            {
                while (!stopping.IsCancellationRequested)
                    versions.Add((await Links.UpdateAsync(link.ShortCode, user.Id, new LinkChange { IsActive = true }, Token)).Version);
            },
            Token
        );

        for (var i = 0; i < 10; i++)
        {
            var epoch = await registry.OpenEpochAsync(await registry.ReadEpochAsync(Token) + 1, Token);
            // Whoever reads the state of the new epoch has a version that every later change is above.
            var read = (await Links.FindTargetAsync(link.ShortCode, new StateVersion(epoch, 0), Token))!.Version;
            var later = (await Links.UpdateAsync(link.ShortCode, user.Id, new LinkChange { IsActive = true }, Token)).Version;
            Assert.True(read < later, $"{read} is not older than {later}.");
        }

        await stopping.CancelAsync();
        await changing;
        Assert.All(versions.Zip(versions.Skip(1)), pair => Assert.True(pair.First < pair.Second, $"{pair.First} is not older than {pair.Second}."));
    }

    [Fact]
    public async Task Create_KeyOfAClosedEpoch_IsNeverIssued()
    {
        var registry = (IKeyBatchStore)Stores.Keys;
        var epoch = await registry.OpenEpochAsync(await registry.ReadEpochAsync(Token) + 1, Token);
        var batch = (await registry.ClaimAsync("eu", epoch, [NewCode(), NewCode()], Token))!;
        var (pooled, leased) = (batch.Codes[0], batch.Codes[1]);
        var fresh = NewCode();

        // Another process, which does not know of the new epoch yet.
        await registry.OpenEpochAsync(epoch + 1, Token);
        var keys = new Queue<Key>([new Key(leased, epoch), new Key(NewCode(), epoch), Key.OnDemand(fresh)]);
        var result = await Links.CreateAsync(new CreateLinks([NewLink()], null, Now, keys.Dequeue), Token);

        Assert.Equal(fresh, Assert.IsType<CreateLinksResult.Created>(result).Links[0]!.ShortCode);
        // The code of a closed pool may have been a link's that was lost, so nobody gets it, by name either.
        Assert.Null(Assert.Single(await CreateAsync(null, Now, NewLink(pooled))));
        Assert.Equal(epoch + 1, database.Epoch.Current);
    }

    private protected override ValueTask<Stores> OpenAsync() => database.OpenAsync();

    [System.Text.RegularExpressions.GeneratedRegex(@" on ((kgs_keys|urls)_(\d+_?)+|urls_default)( |$)")]
    private static partial System.Text.RegularExpressions.Regex Partition();

    [System.Text.RegularExpressions.GeneratedRegex(@"Index Scan (?:Backward )?using (\S+) on urls_")]
    private static partial System.Text.RegularExpressions.Regex IndexScan();

    [System.Text.RegularExpressions.GeneratedRegex(@"^\s*(->\s+)?(Incremental )?Sort\b(?! Key)")]
    private static partial System.Text.RegularExpressions.Regex Sorting();
}
