using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using Npgsql;
using NpgsqlTypes;
using UrlShortener.TestServers.Kubernetes;
using UrlShortener.TestServers.Kubernetes.Kubelet;
using UrlShortener.TestServers.Network;
using Xunit;

namespace UrlShortener.TestServers.Tests;

/// <summary>
/// The write guard of a region (config/images/postgres/guard.py) beside the real PostgreSQL and Patroni, in pods of a process kubelet. The test writes what the
/// operators of a group would write, in the objects of three voters.
/// </summary>
public sealed class WriteGuardTests(KubernetesClusterFixture fixture) : ServerTest, IAsyncLifetime
{
    private const int Kill = 9;
    private const int Continue = 18;
    private const int Stop = 19;
    private const string Annotation = "urlshortener.dev/write-guard";
    private const string Container = "postgres";
    private const string Marker = "/var/lib/postgresql/data/.topology";
    private const string Configuration = "/var/lib/postgresql/data/pgroot/postgresql.auto.conf";
    private const string ReadOnly = "25006";
    private static readonly string[] Members = ["eu-postgres-0", "eu-postgres-1"];
    private static readonly string[] Voters = ["eu", "us", "ap"];

    // How long a reading gives the right to write, and how much longer the other regions wait.
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(5);

    private ProcessKubelet? _node;
    private KubernetesCluster _cluster = null!;
    private IKubernetes _client = null!;
    private KubernetesNamespace _space = null!;
    private StorePrograms _stores = null!;
    private TcpGate _gate = null!;
    private int _round;

    public async ValueTask InitializeAsync()
    {
        _cluster = await SharedAsync(fixture);
        RequireLocal(_cluster);
        _stores = await OrSkipAsync(() => StorePrograms.FindAsync(Token));
        _client = _cluster.CreateClient();
        _space = await _cluster.CreateNamespaceAsync("guard", Token);
        _gate = new TcpGate(_cluster.Address.Port);
    }

    public async ValueTask DisposeAsync()
    {
        if (_node is not null)
            await _node.DisposeAsync();
        // None of them where the test was skipped.
        if (_space is not null)
            await _space.DisposeAsync();
        if (_gate is not null)
            await _gate.DisposeAsync();
        _client?.Dispose();
    }

    [Fact]
    public async Task Region_WritesOnlyAsLongAsTheVotersSayThatItDoes()
    {
        try
        {
            await StartAsync();
            await BeginGroupAsync();
            await FenceUnderLoadAsync();
            await FailOverWhileFencedAsync();
            await ReturnAsync(epoch: 3);
            await StandStillAsync();
            await LoseVotersAsync();
            await FreezeAsync();
            await LoseObjectsAsync();
            await LeaveAsync();
        }
        finally
        {
            foreach (var member in _node is null ? [] : Members)
            {
                var lines = ReadLog(member).Split('\n');
                // And what PostgreSQL and Patroni said last: whether a member has come back, and why not.
                TestContext.Current.TestOutputHelper!.WriteLine(
                    $"{member}:\n{string.Join('\n', lines.Where(line => line.StartsWith("Write guard", StringComparison.Ordinal)))}\n"
                        + $"{member}, the last lines:\n{string.Join('\n', lines.TakeLast(60))}"
                );
            }
        }
    }

    // Without an object there is no group: the guard leaves the database as it is.
    private async Task StartAsync()
    {
        await _client.CoreV1.CreateNamespacedSecretAsync(
            new V1Secret
            {
                Metadata = new V1ObjectMeta { Name = "clusters" },
                StringData = new Dictionary<string, string>
                {
                    ["server"] = $"https://127.0.0.1:{_gate.Port}",
                    ["ca.crt"] = _cluster.AuthorityPem,
                    ["token"] = _cluster.AdminToken,
                },
            },
            _space.Name,
            cancellationToken: Token
        );
        _node = await OrSkipAsync(() =>
            ProcessKubelet.StartAsync(_cluster, new ProcessKubeletOptions { Namespaces = [_space.Name], Program = _stores.Run }, Token)
        );
        var text = (await File.ReadAllTextAsync(Checkout.PathOf("tests/UrlShortener.TestServers.Tests", "guard.yaml"), Token)).Replace(
            "GATE",
            _gate.Port.ToString(CultureInfo.InvariantCulture),
            StringComparison.Ordinal
        );
        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, text, Token);
        await _cluster.RunKubectlAsync(["apply", "-n", _space.Name, "-f", file], Token);
        File.Delete(file);
        await WholeAsync();
        var primary = await PrimaryAsync();
        await ExecuteAsync(primary, "CREATE ROLE shortener LOGIN PASSWORD 'app'", "postgres");
        await ExecuteAsync(primary, "CREATE DATABASE shortener OWNER shortener", "postgres");
        await ExecuteAsync(primary, await File.ReadAllTextAsync(Migration, Token));
        await ExecuteAsync(primary, "CREATE TABLE writes (id bigint PRIMARY KEY)");
        foreach (var member in Members)
        {
            await Eventually.HoldsAsync(() => ReadLog(member).Contains("there is no group", StringComparison.Ordinal), $"{member} says that there is no group");
            Assert.Null(await ReadToldAsync(member));
            Assert.Equal("off", await AskAsync(member, "SHOW default_transaction_read_only", "postgres"));
            Assert.DoesNotContain("default_transaction_read_only", await ReadFileAsync(member, Configuration));
        }
    }

    private static string Migration => Checkout.PathOf("runtime/UrlShortener.Runtime/Storage/Postgres/Migrations", "0007_write_region.sql");

    private async Task BeginGroupAsync()
    {
        await WriteObjectsAsync(lease: true, Record(1, "Stable", "eu"));
        foreach (var member in Members)
            await UntilToldAsync(member, told => Is(told, 1, writable: true) && (bool)told["lease"]! && (string)told["phase"]! == "Stable");
        var primary = await PrimaryAsync();
        await UntilToldAsync(primary, told => (int?)told["writesIn"] == 1);
        Assert.Equal("eu 1", await AskAsync(primary, "SELECT region || ' ' || epoch FROM write_region"));
        var beat = await AskAsync(primary, "SELECT beat_at::text FROM write_region");
        await Eventually.HoldsAsync(async () => await AskAsync(primary, "SELECT beat_at::text FROM write_region") != beat, "the row is written again");
        foreach (var member in Members)
            Assert.Contains("\"epoch\": 1", await ReadFileAsync(member, Marker));
        var replica = Members.Single(member => member != primary);
        Assert.Null((await ReadToldAsync(replica))!["writesIn"]);
    }

    // What is under way does not commit afterwards, whatever it is, and the position has all that did before.
    private async Task FenceUnderLoadAsync()
    {
        var primary = await PrimaryAsync();
        await using var open = await ConnectAsync(primary);
        await using var begun = await open.BeginTransactionAsync(Token);
        await ExecuteAsync(open, "INSERT INTO writes VALUES (-1)");
        await using var copying = await ConnectAsync(primary);
        var copy = await copying.BeginBinaryImportAsync("COPY writes FROM STDIN (FORMAT BINARY)", Token);
        await copy.StartRowAsync(Token);
        await copy.WriteAsync(-2L, NpgsqlDbType.Bigint, Token);
        await using var defiant = await ConnectAsync(primary);
        await ExecuteAsync(defiant, "SET default_transaction_read_only = off");
        await using var prepared = await ConnectAsync(primary);
        await ExecuteAsync(prepared, "BEGIN; INSERT INTO writes VALUES (-3); PREPARE TRANSACTION 'left'");
        await using var writer = Writer.Start(this, primary, 1);
        await writer.UntilAsync(20);

        await WriteObjectsAsync(lease: true, Record(2, "Fencing", "us", "eu"));
        var told = await UntilToldAsync(primary, one => Is(one, 2, writable: false) && one["fencedAt"] is not null);

        // From here on nothing is added.
        var rows = await AskAsync(primary, "SELECT count(*)::text FROM writes");
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => begun.CommitAsync(Token));
        await Assert.ThrowsAnyAsync<NpgsqlException>(async () => await copy.CompleteAsync(Token));
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => ExecuteAsync(defiant, "INSERT INTO writes VALUES (-4)"));
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => ExecuteAsync(prepared, "INSERT INTO writes VALUES (-5)"));
        await RefusedAsync(primary);
        var acknowledged = await writer.StopAsync();
        Assert.Equal(rows, await AskAsync(primary, "SELECT count(*)::text FROM writes"));
        Assert.Null(await AskAsync(primary, "SELECT string_agg(id::text, ',') FROM writes WHERE id < 0"));

        var replica = Members.Single(member => member != primary);
        var end = (string)told["fencedAt"]!;
        await Eventually.HoldsAsync(
            async () => await AskAsync(replica, $"SELECT pg_last_wal_replay_lsn() >= '{end}'") == "True",
            () => $"{replica} has the log up to {end}"
        );
        Assert.Equal(rows, await AskAsync(replica, "SELECT count(*)::text FROM writes"));
        Assert.Equal(
            acknowledged.Count.ToString(CultureInfo.InvariantCulture),
            await AskAsync(replica, $"SELECT count(*)::text FROM writes WHERE id IN ({string.Join(',', acknowledged)})")
        );
        await UntilToldAsync(replica, one => Is(one, 2, writable: false) && one["fencedAt"] is null);
        Assert.Equal("on", await AskAsync(replica, "SHOW default_transaction_read_only"));

        // What the fence does not stop (docs/write-guard.md): a session that asks for it, and the end of a transaction that was prepared before.
        await ExecuteAsync(primary, "BEGIN READ WRITE; INSERT INTO writes VALUES (-6); COMMIT");
        await ExecuteAsync(primary, "COMMIT PREPARED 'left'");
    }

    // Neither another start nor another primary of the region may write. Patroni does all of that without writing transactions.
    private async Task FailOverWhileFencedAsync()
    {
        var primary = await PrimaryAsync();
        var began = await AskAsync(primary, "SELECT pg_postmaster_start_time()::text");
        await KillPostgresAsync(primary);
        await Eventually.HoldsAsync(
            async () => await AskAsync(primary, "SELECT pg_postmaster_start_time()::text") is { } now && now != began,
            () => $"PostgreSQL of {primary} runs again"
        );
        primary = await PrimaryAsync();
        await UntilToldAsync(primary, told => Is(told, 2, writable: false) && told["fencedAt"] is not null);
        await RefusedAsync(primary);

        await WholeAsync();
        primary = await PrimaryAsync();
        var next = Members.Single(member => member != primary);
        using (var http = new HttpClient())
        {
            // Patroni's server takes no content of unknown length.
            using var content = new StringContent(new JsonObject { ["leader"] = primary, ["candidate"] = next }.ToJsonString());
            using var answer = await http.PostAsync(new Uri($"http://{await AddressAsync(primary)}:8008/switchover"), content, Token);
            Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Token));
        }

        await UntilToldAsync(next, told => Is(told, 2, writable: false) && told["fencedAt"] is not null);
        await RefusedAsync(next);
        await WholeAsync();
    }

    private async Task ReturnAsync(int epoch)
    {
        await WriteObjectsAsync(lease: true, Record(epoch, "Promoting", "eu"));
        await UntilWrittenAsync(epoch);
        await WriteObjectsAsync(lease: true, Record(epoch, "Stable", "eu"));
    }

    // A guard that does nothing is replaced. The next one may know of its right before it has taken the former one away.
    private async Task StandStillAsync()
    {
        var primary = await PrimaryAsync();
        var (ends, rights) = (Count(primary, "has ended or stood still"), Count(primary, "the database may be written to"));
        await _node!.ExecAsync(_space.Name, primary, ["sh", "-c", $"kill -{Stop} $(pgrep -n -x shortener-guard)"], Token);
        await Eventually.HoldsAsync(() => Count(primary, "has ended or stood still") > ends, "the guard is replaced");
        await Eventually.HoldsAsync(() => Count(primary, "the database may be written to") > rights, "the next one gives the right again");
        await UntilWritableAsync();
    }

    private async Task LoseVotersAsync()
    {
        var primary = await PrimaryAsync();
        await using (var writer = Writer.Start(this, primary, 1_000_000))
        {
            await writer.UntilAsync(5);
            var cut = Stopwatch.GetTimestamp();
            _gate.Mode = TcpGateMode.BlackHole;
            await UntilReadOnlyAsync(primary);
            TestContext.Current.TestOutputHelper!.WriteLine($"read-only {Stopwatch.GetElapsedTime(cut).TotalSeconds:0.0} s after the cut");
            await writer.StopAsync();
            Assert.InRange(Stopwatch.GetElapsedTime(cut, writer.LastAt), TimeSpan.Zero, Lease + Margin);
        }

        // The next guard knows nothing better.
        await KillGuardAsync(primary);
        await RefusedAsync(primary);
        _gate.Mode = TcpGateMode.Open;
        await UntilWritableAsync();

        // With a right that does not run out it is the other way round, also for the next guard.
        primary = await PrimaryAsync();
        await WriteGuardAsync(lease: false);
        foreach (var member in Members)
            await UntilToldAsync(member, told => !(bool)told["lease"]!);
        await using (var writer = Writer.Start(this, primary, 2_000_000))
        {
            _gate.Mode = TcpGateMode.Closed;
            var cut = Stopwatch.GetTimestamp();
            await KillGuardAsync(primary);
            await Eventually.HoldsAsync(
                () => Task.FromResult(Stopwatch.GetElapsedTime(cut, writer.LastAt) > Lease + Margin),
                () => "the database takes writes for longer than the right lasts otherwise"
            );
            // A session that cannot end ends with PostgreSQL.
            await using var hung = await ConnectAsync(primary);
            await using (var command = new NpgsqlCommand("SELECT pg_backend_pid()", hung))
                await _node!.ExecAsync(_space.Name, primary, ["kill", $"-{Stop}", $"{await command.ExecuteScalarAsync(Token)}"], Token);
            var kills = Count(primary, "PostgreSQL is killed");
            // The decision is chosen, and waits until the region hears of it.
            await WriteObjectsAsync(lease: false, Record(4, "Fencing", "us", "eu"));
            _gate.Mode = TcpGateMode.Open;
            await UntilReadOnlyAsync(primary);
            await Eventually.HoldsAsync(() => Count(primary, "PostgreSQL is killed") > kills, "PostgreSQL is killed");
            await UntilToldAsync(await PrimaryAsync(), told => Is(told, 4, writable: false) && told["fencedAt"] is not null);
        }

        await ReturnAsync(epoch: 5);
    }

    // A process that stood still finds its right gone, and may get a few statements before the guard.
    private async Task FreezeAsync()
    {
        await WholeAsync();
        var primary = await PrimaryAsync();
        var replica = Members.Single(member => member != primary);
        var sessions = new List<NpgsqlConnection>();
        for (var session = 0; session < 20; session++)
            sessions.Add(await ConnectAsync(primary));
        string[] names = ["shortener-guard", "patroni", "postgres"];
        foreach (var name in names)
            await _node!.SignalProcessesAsync(_space.Name, primary, name, Stop);
        var frozen = Stopwatch.GetTimestamp();
        var kills = Count(primary, "PostgreSQL is killed");
        var waiting = sessions.Select((session, number) => TryAsync(session, $"INSERT INTO writes VALUES ({3_000_000 + number})")).ToList();
        await UntilPrimaryIsAsync(replica);
        await Eventually.HoldsAsync(() => Stopwatch.GetElapsedTime(frozen) > Lease + Margin, "the right has run out");
        // A reading may be faster than the kill, and there is nothing to take away then.
        _gate.Mode = TcpGateMode.BlackHole;
        foreach (var name in names.Reverse())
            await _node!.SignalProcessesAsync(_space.Name, primary, name, Continue);
        var accepted = (await Task.WhenAll(waiting)).Count(one => one);
        TestContext.Current.TestOutputHelper!.WriteLine($"{accepted} of {sessions.Count} statements were accepted after {Stopwatch.GetElapsedTime(frozen)}");
        await Eventually.HoldsAsync(() => Count(primary, "PostgreSQL is killed") > kills, "PostgreSQL is killed");
        _gate.Mode = TcpGateMode.Open;
        foreach (var session in sessions)
            await session.DisposeAsync();
        await WholeAsync();
        await UntilWritableAsync();
    }

    // Whoever was guarded once stays so, and what cannot be read says nothing.
    private async Task LoseObjectsAsync()
    {
        var primary = await PrimaryAsync();
        foreach (var voter in Voters)
            await _client.CoreV1.DeleteNamespacedConfigMapAsync($"{voter}-topology", _space.Name, cancellationToken: Token);
        await KillGuardAsync(primary);
        await UntilReadOnlyAsync(primary);
        foreach (var (guard, vote, said) in new[] { ("{", "[]", "cannot be used"), ("{\"region\":7}", "{\"ballot\":\"9@x\",\"value\":{}}", "is no") })
        {
            foreach (var voter in Voters)
                await WriteObjectAsync(voter, guard, vote);
            await Eventually.HoldsAsync(() => ReadLog(primary).Contains(said, StringComparison.Ordinal), $"the guard says what it cannot use: {said}");
        }

        await RefusedAsync(primary);
        Assert.All(Members, member => Assert.DoesNotContain("ended by", ReadLog(member), StringComparison.Ordinal));
        await WriteObjectsAsync(lease: true, Record(6, "Stable", "eu"));
        await UntilWrittenAsync(6);
    }

    // Without its marker and without an object, a member is as it was before the group.
    private async Task LeaveAsync()
    {
        // One that is still to be copied or rewound would get the parameter of the other one afterwards.
        await WholeAsync();
        foreach (var voter in Voters)
            await _client.CoreV1.DeleteNamespacedConfigMapAsync($"{voter}-topology", _space.Name, cancellationToken: Token);
        foreach (var member in Members)
        {
            await _node!.ExecAsync(_space.Name, member, ["rm", Marker], Token);
            // One guard starts again, the other one with its container.
            if (member == Members[0])
                await KillGuardAsync(member);
            else
                await _node.KillPodAsync(_space.Name, member);
            await Eventually.HoldsAsync(
                async () =>
                    await AskAsync(member, "SHOW default_transaction_read_only") == "off"
                    && !(await ReadFileAsync(member, Configuration)).Contains("default_transaction_read_only", StringComparison.Ordinal),
                () => $"{member} is as it was"
            );
        }

        await UntilWritableAsync();
    }

    private async Task UntilWrittenAsync(int epoch)
    {
        await Eventually.HoldsAsync(
            async () => await ReadToldAsync(await PrimaryAsync()) is { } told && Is(told, epoch, writable: true) && (int?)told["writesIn"] == epoch,
            () => $"the primary writes in epoch {epoch}"
        );
        Assert.Equal($"eu {epoch}", await AskAsync(await PrimaryAsync(), "SELECT region || ' ' || epoch FROM write_region"));
    }

    private Task UntilWritableAsync() =>
        Eventually.HoldsAsync(
            async () => await TryAsync(await PrimaryAsync(), "INSERT INTO writes VALUES (0) ON CONFLICT (id) DO NOTHING"),
            () => "the primary takes writes"
        );

    private Task UntilReadOnlyAsync(string member) =>
        Eventually.HoldsAsync(async () => await AskAsync(member, "SHOW default_transaction_read_only") == "on", () => $"{member} is read-only");

    private async Task RefusedAsync(string member)
    {
        await using var connection = await ConnectAsync(member);
        var error = await Assert.ThrowsAsync<PostgresException>(() => ExecuteAsync(connection, "INSERT INTO writes VALUES (-9)"));
        Assert.Equal(ReadOnly, error.SqlState);
    }

    private Task KillGuardAsync(string member) => _node!.SignalProcessesAsync(_space.Name, member, "shortener-guard", Kill);

    private Task<string> KillPostgresAsync(string member) =>
        _node!.ExecAsync(_space.Name, member, ["sh", "-c", "kill -9 $(head -n 1 /var/lib/postgresql/data/pgroot/postmaster.pid)"], Token);

    private int Count(string member, string text) => ReadLog(member).Split(text).Length - 1;

    private string ReadLog(string member) => _node!.ReadLog(_space.Name, member, Container);

    private Task<string> ReadFileAsync(string member, string path) => _node!.ExecAsync(_space.Name, member, ["cat", path], Token);

    private static bool Is(JsonNode told, int epoch, bool writable) => (int)told["epoch"]! == epoch && (bool)told["writable"]! == writable;

    private async Task<JsonNode?> ReadToldAsync(string member)
    {
        var annotations = (await _client.CoreV1.ReadNamespacedPodAsync(member, _space.Name, cancellationToken: Token)).Metadata.Annotations;
        return annotations?.TryGetValue(Annotation, out var text) == true ? JsonNode.Parse(text) : null;
    }

    private Task<JsonNode> UntilToldAsync(string member, Func<JsonNode, bool> isWanted) =>
        Eventually.ReadAsync(
            async () =>
                await ReadToldAsync(member)
                ?? new JsonObject
                {
                    ["epoch"] = 0,
                    ["writable"] = true,
                    ["lease"] = true,
                    ["phase"] = "",
                },
            isWanted,
            $"the guard of {member}"
        );

    private static JsonObject Record(int epoch, string phase, string region, string? former = null) =>
        new()
        {
            ["epoch"] = epoch,
            ["phase"] = phase,
            ["region"] = region,
            ["former"] = former,
            ["guarded"] = true,
            ["voters"] = new JsonObject { ["current"] = new JsonArray("ap", "eu", "us") },
        };

    // Two of three at first: these are enough, and the last one changes nothing.
    private async Task WriteObjectsAsync(bool lease, JsonObject record)
    {
        var ballot = $"{++_round}@test";
        var vote = new JsonObject
        {
            ["promised"] = ballot,
            ["ballot"] = ballot,
            ["value"] = record,
        }.ToJsonString();
        foreach (var voter in Voters)
            await WriteObjectAsync(voter, voter == "eu" ? Membership(lease) : null, vote);
    }

    private Task WriteGuardAsync(bool lease) => WriteObjectAsync("eu", Membership(lease), null);

    private string Membership(bool lease) =>
        new JsonObject
        {
            ["region"] = "eu",
            ["lease"] = lease,
            ["voters"] = new JsonObject
            {
                ["eu"] = new JsonObject { ["namespace"] = _space.Name, ["configMap"] = "eu-topology" },
                ["us"] = new JsonObject { ["namespace"] = _space.Name, ["configMap"] = "us-topology" },
                ["ap"] = new JsonObject
                {
                    ["namespace"] = _space.Name,
                    ["configMap"] = "ap-topology",
                    ["cluster"] = "far",
                },
            },
        }.ToJsonString();

    private async Task WriteObjectAsync(string voter, string? guard, string? vote)
    {
        var name = $"{voter}-topology";
        var data = new JsonObject();
        if (guard is not null)
            data["guard"] = guard;
        if (vote is not null)
            data["voter"] = vote;
        var found = await _client.CoreV1.ListNamespacedConfigMapAsync(_space.Name, fieldSelector: $"metadata.name={name}", cancellationToken: Token);
        if (found.Items.Count == 0)
            await _client.CoreV1.CreateNamespacedConfigMapAsync(
                new V1ConfigMap
                {
                    Metadata = new V1ObjectMeta { Name = name },
                    Data = data.ToDictionary(one => one.Key, one => (string)one.Value!),
                },
                _space.Name,
                cancellationToken: Token
            );
        else
            await _client.CoreV1.PatchNamespacedConfigMapAsync(
                new V1Patch(new JsonObject { ["data"] = data }.ToJsonString(), V1Patch.PatchType.MergePatch),
                name,
                _space.Name,
                cancellationToken: Token
            );
    }

    // Both serve, one of them leads and the other one follows it.
    private Task WholeAsync() =>
        Eventually.HoldsAsync(
            async () =>
                await FindPrimaryAsync() is { } primary
                && Members.Single(member => member != primary) is { } replica
                && await AskAsync(
                    primary,
                    $"SELECT NOT pg_is_in_recovery() AND EXISTS (SELECT FROM pg_stat_replication WHERE application_name = '{replica}' AND state = 'streaming')",
                    "postgres"
                ) == "True"
                && await AskAsync(replica, "SELECT pg_is_in_recovery()", "postgres") == "True",
            () => "both members run, with a primary"
        );

    private Task UntilPrimaryIsAsync(string member) =>
        Eventually.HoldsAsync(
            async () => await FindPrimaryAsync() == member && await AskAsync(member, "SELECT pg_is_in_recovery()", "postgres") == "False",
            () => $"{member} leads"
        );

    private Task<string> PrimaryAsync() =>
        Eventually.ReadAsync(
            async () => await FindPrimaryAsync() is { } primary && await AskAsync(primary, "SELECT pg_is_in_recovery()", "postgres") == "False" ? primary : "",
            primary => primary.Length > 0,
            "the primary"
        );

    private async Task<string?> FindPrimaryAsync() =>
        (await _client.CoreV1.ListNamespacedConfigMapAsync(_space.Name, fieldSelector: "metadata.name=eu-postgres-leader", cancellationToken: Token))
            .Items.FirstOrDefault()
            ?.Metadata.Annotations?.TryGetValue("leader", out var leader) == true
            ? leader
            : null;

    private async Task<string> AddressAsync(string member) =>
        (await _client.CoreV1.ReadNamespacedPodAsync(member, _space.Name, cancellationToken: Token)).Status.PodIP;

    private async Task<NpgsqlConnection> ConnectAsync(string member, string role = "shortener")
    {
        var (password, database) = role == "postgres" ? ("super", "postgres") : ("app", "shortener");
        var connection = new NpgsqlConnection(
            $"Host={await AddressAsync(member)};Username={role};Password={password};Database={database};Pooling=false;Timeout=60;Command Timeout=300"
        );
        try
        {
            await connection.OpenAsync(Token);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }

        return connection;
    }

    private async Task ExecuteAsync(string member, string sql, string role = "shortener")
    {
        await using var connection = await ConnectAsync(member, role);
        await ExecuteAsync(connection, sql);
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Token);
    }

    private async Task<bool> TryAsync(string member, string sql)
    {
        try
        {
            await ExecuteAsync(member, sql);
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    private static async Task<bool> TryAsync(NpgsqlConnection connection, string sql)
    {
        try
        {
            await ExecuteAsync(connection, sql);
            return true;
        }
        catch (NpgsqlException)
        {
            return false;
        }
    }

    /// <summary>One value as text; null while there is none, or no answer.</summary>
    private async Task<string?> AskAsync(string member, string sql, string role = "shortener")
    {
        try
        {
            await using var connection = await ConnectAsync(member, role);
            await using var command = new NpgsqlCommand(sql, connection);
            return await command.ExecuteScalarAsync(Token) is { } value and not DBNull ? value.ToString() : null;
        }
        catch (NpgsqlException)
        {
            return null;
        }
    }

    /// <summary>Inserts rows, one after the other, and knows which ones were acknowledged.</summary>
    private sealed class Writer : IAsyncDisposable
    {
        private readonly ConcurrentQueue<long> _acknowledged = [];
        private readonly CancellationTokenSource _end = new();
        private Task _running = Task.CompletedTask;
        private long _lastAt;

        /// <summary>When the last row was acknowledged.</summary>
        public long LastAt => Volatile.Read(ref _lastAt);

        public static Writer Start(WriteGuardTests test, string member, long first)
        {
            var writer = new Writer();
            writer._lastAt = Stopwatch.GetTimestamp();
            writer._running = writer.RunAsync(test, member, first);
            return writer;
        }

        public Task UntilAsync(int count) => Eventually.HoldsAsync(() => _acknowledged.Count >= count, $"{count} rows are written");

        public async Task<IReadOnlyCollection<long>> StopAsync()
        {
            await _end.CancelAsync();
            await _running;
            return _acknowledged;
        }

        public async ValueTask DisposeAsync()
        {
            await StopAsync();
            _end.Dispose();
        }

        private async Task RunAsync(WriteGuardTests test, string member, long next)
        {
            NpgsqlConnection? connection = null;
            for (; !_end.IsCancellationRequested; next++)
            {
                try
                {
                    connection ??= await test.ConnectAsync(member);
                    await ExecuteAsync(connection, $"INSERT INTO writes VALUES ({next})");
                    _acknowledged.Enqueue(next);
                    Volatile.Write(ref _lastAt, Stopwatch.GetTimestamp());
                }
                catch (NpgsqlException)
                {
                    if (connection is not null)
                        await connection.DisposeAsync();
                    connection = null;
                }

                // Leaves the processor to the servers.
                await Task.Delay(20, CancellationToken.None);
            }

            if (connection is not null)
                await connection.DisposeAsync();
        }
    }
}
