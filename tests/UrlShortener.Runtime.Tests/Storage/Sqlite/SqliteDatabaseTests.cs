using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Codes;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Storage.Sqlite;
using UrlShortener.Runtime.Users;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Sqlite;

public sealed class SqliteDatabaseTests : IAsyncDisposable
{
    private const string Insert = "INSERT INTO kgs_keys (short_code, batch_id) VALUES ($1, 1)";

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("shortener");
    private readonly List<SqliteDatabase> _databases = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        foreach (var database in _databases)
            await database.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Migrate_Twice_KeepsTheData()
    {
        var database = Open();
        await AddAsync(database, "kept001");

        database.Migrate();
        Open();

        Assert.Equal(["kept001"], await ReadAsync(database));
    }

    [Fact]
    public async Task Migrate_ManyInstancesAtOnce_AllSucceed()
    {
        var databases = Enumerable.Range(0, 4).Select(_ => New()).ToList();

        await Task.WhenAll(databases.Select(database => Task.Run(database.Migrate, Token)));

        await AddAsync(databases[0], "shared1");
        Assert.Equal(["shared1"], await ReadAsync(databases[3]));
    }

    [Fact]
    public void Migrate_FolderMissing_IsMade()
    {
        New(Path.Combine(_folder.FullName, "a", "b")).Migrate();
        Assert.True(File.Exists(Path.Combine(_folder.FullName, "a", "b", "shortener.db")));
    }

    [Fact]
    public void Migrate_FolderIsAFile_NamesSettingAndPath()
    {
        var path = Path.Combine(_folder.FullName, "file");
        File.WriteAllText(path, "");

        var error = Assert.Throws<ConfigurationException>(New(path).Migrate);

        Assert.Contains("Storage:DataDirectory", error.Message, StringComparison.Ordinal);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Migrate_FileIsNoDatabase_NamesSettingAndPath()
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "shortener.db"), new string('x', 4_096));

        var error = Assert.Throws<ConfigurationException>(New().Migrate);

        Assert.Contains("Storage:DataDirectory", error.Message, StringComparison.Ordinal);
        Assert.Contains(_folder.FullName, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Check_MigratedDatabase_Completes() => await Open().CheckAsync(Token);

    [Fact]
    public async Task Write_OneOfAGroupFails_NeighboursAreStored()
    {
        var database = Open();
        using var gate = new ManualResetEventSlim();
        var first = Hold(database, gate);
        var before = AddAsync(database, "before1");
        var failing = database.WriteAsync<int>(
            session =>
            {
                session.Execute(Insert, "failed1");
                throw new InvalidDataException("mine alone");
            },
            Token
        );
        var violating = database.WriteAsync(session => session.Execute(Insert, "failed2") + session.Execute(Insert, "failed2"), Token);
        var after = AddAsync(database, "after01");

        gate.Set();
        await Task.WhenAll(first, before, after);

        Assert.Equal("mine alone", (await Assert.ThrowsAsync<InvalidDataException>(() => failing)).Message);
        await Assert.ThrowsAsync<SqliteException>(() => violating);
        Assert.Equal(["after01", "before1"], await ReadAsync(database));
    }

    [Fact]
    public async Task Write_FirstOfAGroupFails_OthersAreStored()
    {
        var database = Open();
        using var gate = new ManualResetEventSlim();
        var failing = database.WriteAsync<int>(
            session =>
            {
                gate.Wait(Token);
                session.Execute(Insert, "failed1");
                throw new InvalidDataException("mine alone");
            },
            Token
        );
        var after = AddAsync(database, "after01");

        gate.Set();
        await after;

        Assert.Equal("mine alone", (await Assert.ThrowsAsync<InvalidDataException>(() => failing)).Message);
        Assert.Equal(["after01"], await ReadAsync(database));
    }

    [Fact]
    public async Task Write_CancelledWhileQueued_IsNotRun()
    {
        var database = Open();
        using var gate = new ManualResetEventSlim();
        using var cancellation = new CancellationTokenSource();
        var first = Hold(database, gate);
        var cancelled = database.WriteAsync(session => session.Execute(Insert, "cancel1"), cancellation.Token);
        var after = AddAsync(database, "after01");

        await cancellation.CancelAsync();
        gate.Set();
        await Task.WhenAll(first, after);

        var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        Assert.Equal(cancellation.Token, error.CancellationToken);
        Assert.Equal(["after01"], await ReadAsync(database));
    }

    [Fact]
    public async Task Write_GroupCannotBeCommitted_FailsAllOfItAndGoesOn()
    {
        var database = Open();
        using var gate = new ManualResetEventSlim();
        var first = Hold(database, gate);
        var before = AddAsync(database, "before1");
        // Stands for an error at which SQLite gives the whole transaction up, such as a full disk.
        var breaking = database.WriteAsync(session => session.Execute("ROLLBACK"), Token);

        gate.Set();

        await Assert.ThrowsAsync<SqliteException>(() => breaking);
        await Assert.ThrowsAsync<SqliteException>(() => before);
        await Assert.ThrowsAsync<SqliteException>(() => first);
        Assert.Empty(await ReadAsync(database));
        await AddAsync(database, "after01");
        Assert.Equal(["after01"], await ReadAsync(database));
    }

    [Fact]
    public async Task Write_Acknowledged_IsSeenByEveryReaderAtOnce()
    {
        var database = Open();
        for (var i = 0; i < 20; i++)
        {
            var key = $"key{i:0000}";
            await AddAsync(database, key);
            Assert.Contains(key, await ReadAsync(database));
        }
    }

    [Fact]
    public async Task Write_AfterDispose_Throws()
    {
        var database = Open();
        await AddAsync(database, "before1");
        await database.DisposeAsync();

        await Assert.ThrowsAnyAsync<InvalidOperationException>(() => AddAsync(database, "after01"));
    }

    [Fact]
    public async Task Read_ThatWrites_IsRefused()
    {
        var database = Open();

        await Assert.ThrowsAsync<SqliteException>(() => database.ReadAsync(session => session.Execute(Insert, "reader1"), Token));

        Assert.Empty(await ReadAsync(database));
    }

    [Fact]
    public async Task Read_WhileAWriteIsOpen_SeesTheStateBefore()
    {
        var database = Open();
        await AddAsync(database, "before1");
        using var gate = new ManualResetEventSlim();
        using var written = new ManualResetEventSlim();
        var write = database.WriteAsync(
            session =>
            {
                var rows = session.Execute(Insert, "during1");
                written.Set();
                gate.Wait(Token);
                return rows;
            },
            Token
        );
        written.Wait(Token);

        Assert.Equal(["before1"], await ReadAsync(database));
        gate.Set();
        await write;
        Assert.Equal(["before1", "during1"], await ReadAsync(database));
    }

    [Fact]
    public async Task Read_MoreAtOnceThanConnections_AllAnswer()
    {
        var database = Open();
        await AddAsync(database, "shared1");

        var reads = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => Task.Run(() => ReadAsync(database), Token)));

        Assert.All(reads, keys => Assert.Equal(["shared1"], keys));
    }

    [Fact]
    public async Task Dispose_WritesQueued_StoresThemFirst()
    {
        var database = Open();
        using var gate = new ManualResetEventSlim();
        var first = Hold(database, gate);
        var queued = AddAsync(database, "queued1");

        var disposal = database.DisposeAsync();
        gate.Set();
        await disposal;
        await Task.WhenAll(first, queued);

        Assert.Equal(["queued1"], await ReadAsync(Open()));
    }

    [Fact]
    public async Task Reopen_AfterDispose_HasEverything()
    {
        var first = Open();
        var stores = SqliteStores.StoresOf(first);
        var now = DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_123);
        var hash = ApiKey.Hash(ApiKey.Generate())!;
        var user = await stores.Users.CreateAsync("ada@example.com", Tier.Pro, 5, quota: null, hash, now, Token);
        var idempotency = new Idempotency("key", "hash", now.AddDays(1), _ => new StoredReply(201, "/x", [1, 2, 3]));
        await stores.Links.CreateAsync(
            new CreateLinks(
                [new NewLink("alias", "https://example.com/😀", now.AddDays(1), 308, """{"a":1}""")],
                user!.Id,
                now,
                () => Key.OnDemand(CodeGenerator.Generate()),
                idempotency
            ),
            Token
        );
        await stores.Keys.AddAsync(["pooled1"], Token);
        await stores.Clicks.AppendAsync(
            Guid.NewGuid(),
            [new StoredClick("alias", now, null, null, null, new AddressHash(1, 2, 3, 4), null, null, DeviceClass.Mobile, IsBot: false)],
            Token
        );
        var salt = await stores.Salts.GetSaltAsync(new DateOnly(2026, 1, 1), Token);
        var link = await stores.Links.FindAsync("alias", Token);
        await first.DisposeAsync();

        var again = SqliteStores.StoresOf(Open());

        Assert.Equal(link, await again.Links.FindAsync("alias", Token));
        Assert.Equal(1, link!.ClickCount);
        var owner = await again.Users.FindByKeyHashAsync(hash, Token);
        Assert.True(owner!.Storage.Bytes > 0);
        Assert.Equal(user with { UrlsCreated = 1, Storage = owner.Storage }, owner);
        Assert.Empty(await again.Keys.AddAsync(["pooled1"], Token));
        Assert.Equal(1, (await again.Statistics.ReadTotalsAsync("alias", now, now.AddSeconds(1), 1, Token)).Clicks);
        Assert.Equal(salt, await again.Salts.GetSaltAsync(new DateOnly(2026, 1, 1), Token));
        Assert.IsType<CreateLinksResult.Replayed>(
            await again.Links.CreateAsync(
                new CreateLinks(
                    [new NewLink(null, "https://example.com/", null, 302, "{}")],
                    user.Id,
                    now,
                    () => Key.OnDemand(CodeGenerator.Generate()),
                    idempotency
                ),
                Token
            )
        );
    }

    [Fact]
    public async Task Migrate_LinksOfAnOlderRelease_AreCountedForTheirUsers()
    {
        var first = Open();
        var stores = SqliteStores.StoresOf(first);
        var now = DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_123);
        var user = (await stores.Users.CreateAsync("ada@example.com", Tier.Pro, 5, quota: null, new string('a', 64), now, Token))!;
        var reply = new StoredReply(201, "/x", [1, 2, 3]);
        var idempotency = new Idempotency("key", "hash", now.AddDays(1), _ => reply);
        var links = Enumerable.Range(0, 20).Select(_ => new NewLink(null, "https://example.com/ä", null, 302, """{"a":1}""")).ToList();
        var created = Assert.IsType<CreateLinksResult.Created>(
            await stores.Links.CreateAsync(new CreateLinks(links, user.Id, now, () => Key.OnDemand(CodeGenerator.Generate()), idempotency), Token)
        );
        await stores.Links.CreateAsync(new CreateLinks(links, null, now, () => Key.OnDemand(CodeGenerator.Generate())), Token);
        // As the release before left it.
        string[] undo =
        [
            "DROP TRIGGER count_bytes_of_deleted_link",
            "DROP TRIGGER count_bytes_of_changed_link",
            "DROP TRIGGER count_bytes_of_new_reply",
            "DROP TRIGGER count_bytes_of_deleted_reply",
            "DROP TRIGGER count_bytes_of_replaced_reply",
            "ALTER TABLE urls DROP COLUMN bytes",
            "ALTER TABLE idempotency_keys DROP COLUMN bytes",
            "ALTER TABLE users DROP COLUMN stored_bytes",
            "ALTER TABLE users DROP COLUMN quota_bytes",
            "DELETE FROM SchemaVersions WHERE ScriptName LIKE '%0005%'",
        ];
        foreach (var sql in undo)
            await first.WriteAsync(session => session.Execute(sql), Token);
        await first.DisposeAsync();

        var again = SqliteStores.StoresOf(Open());

        Assert.Equal(created.Links.Sum(link => StoredSize.Of(link!)) + StoredSize.Of(reply), (await again.Users.ReadStorageAsync(user.Id, Token)).Bytes);
        foreach (var link in created.Links)
            await again.Links.DeleteAsync(link!.ShortCode, user.Id, Token);
        Assert.Equal(StoredSize.Of(reply), (await again.Users.ReadStorageAsync(user.Id, Token)).Bytes);
    }

    // Keeps the writer's transaction open, so that what is queued meanwhile falls into the same group.
    private static Task<int> Hold(SqliteDatabase database, ManualResetEventSlim gate)
    {
        using var begun = new ManualResetEventSlim();
        var write = database.WriteAsync(
            _ =>
            {
                begun.Set();
                gate.Wait(Token);
                return 0;
            },
            Token
        );
        begun.Wait(Token);
        return write;
    }

    private static Task<int> AddAsync(SqliteDatabase database, string key) => database.WriteAsync(session => session.Execute(Insert, key), Token);

    private static Task<List<string>> ReadAsync(SqliteDatabase database) =>
        database.ReadAsync(session => session.Query("SELECT short_code FROM kgs_keys ORDER BY short_code", row => row.GetString(0)), Token);

    [Fact]
    public async Task Create_BehindLargeRequests_IsAnsweredFirst()
    {
        var database = Open();
        var links = new SqliteLinkStore(database, new KeyEpoch(), TimeProvider.System);
        var order = new ConcurrentQueue<string>();
        using var isHeld = new ManualResetEventSlim();
        using var release = new ManualResetEventSlim();
        // Everything else waits behind this one, so that the order is the writer's choice.
        var held = database.WriteAsync(
            _ =>
            {
                isHeld.Set();
                release.Wait(Token);
                return 0;
            },
            Token
        );
        isHeld.Wait(Token);

        var requests = new[] { Request("bulk 1", 10_000), Request("single 1", 1), Request("bulk 2", 10_000), Request("single 2", 1) }
            .Select(request => links.CreateAsync(request, Token))
            .ToList();
        release.Set();
        await Task.WhenAll([held, .. requests]);

        Assert.Equal(["single 1", "single 2", "bulk 1", "bulk 2"], order.Distinct());
        Assert.All(requests, request => Assert.IsType<CreateLinksResult.Created>(request.Result));

        CreateLinks Request(string name, int count) =>
            new(
                [.. Enumerable.Range(0, count).Select(_ => new NewLink(null, "https://example.com/", null, 302, "{}"))],
                null,
                DateTimeOffset.UnixEpoch.AddYears(60),
                () =>
                {
                    order.Enqueue(name);
                    return Key.OnDemand(CodeGenerator.Generate());
                }
            );
    }

    private SqliteDatabase New(string? path = null)
    {
        var database = new SqliteDatabase(new StorageOptions { DataDirectory = path ?? _folder.FullName }, NullLogger<SqliteDatabase>.Instance);
        _databases.Add(database);
        return database;
    }

    private SqliteDatabase Open()
    {
        var database = New();
        database.Migrate();
        return database;
    }
}
