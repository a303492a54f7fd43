using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.ClickHouse;

/// <summary>
/// A real ClickHouse server for tests, on loopback. It needs ClickHouse's program, or npm; else there is a <see cref="ServerUnavailableException"/>. Tests keep
/// apart by database. The server ends with this process, whichever way that ends.
/// </summary>
public sealed class ClickHouseServer : IAsyncDisposable
{
    /// <summary>Name of the user of tests, who may do everything.</summary>
    public const string User = "tests";

    /// <summary>
    /// The server's time zone. It is hardly that of anybody's machine, has an offset of 5:45 hours, and so tells what depends on it by mistake.
    /// </summary>
    public const string TimeZone = "Asia/Kathmandu";

    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StatementLimit = TimeSpan.FromMinutes(2);
    private static int Databases;

    private readonly ClickHousePrograms _programs;
    private readonly ServerFolder _folder;
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = StatementLimit };
    private ServerProcess? _process;

    private ClickHouseServer(ClickHousePrograms programs, ServerFolder folder, string? data)
    {
        _programs = programs;
        _folder = folder;
        Data = data ?? folder.PathOf("data");
        // An open connection delays the end of the server.
        _http.DefaultRequestHeaders.ConnectionClose = true;
        _http.DefaultRequestHeaders.Add("X-ClickHouse-User", User);
        _http.DefaultRequestHeaders.Add("X-ClickHouse-Key", Password);
    }

    /// <summary>The port for HTTP; the same in all lives of the server.</summary>
    public int Port { get; } = Ports.Take();

    /// <summary>The port of the native protocol.</summary>
    public int TcpPort { get; } = Ports.Take();

    /// <summary>Password of the user.</summary>
    public string Password { get; } = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));

    /// <summary>Number of its process; null while it does not run.</summary>
    public int? ProcessId => _process is { IsRunning: true } process ? process.Id : null;

    /// <summary>Starts a server, and returns when it answers.</summary>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <param name="data">Folder of its data, which outlives it; null: one of its own.</param>
    /// <exception cref="ServerUnavailableException">ClickHouse cannot be had here.</exception>
    public static async Task<ClickHouseServer> StartAsync(CancellationToken cancellationToken, string? data = null)
    {
        var server = new ClickHouseServer(await ClickHousePrograms.FindAsync(cancellationToken), ServerFolder.Create(onDisk: false), data);
        try
        {
            Directory.CreateDirectory(server.Data);
            await File.WriteAllTextAsync(server.Configuration, server.DescribeServer(), cancellationToken);
            await File.WriteAllTextAsync(server.Users, server.DescribeUsers(), cancellationToken);
            await server.RestartAsync(cancellationToken);
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Starts the server again on its data, and returns when it answers. Does nothing while it runs.</summary>
    public async Task RestartAsync(CancellationToken cancellationToken)
    {
        if (_process is { IsRunning: true })
            return;
        if (_process is not null)
            await _process.DisposeAsync();
        string[] command = ["env", $"TZ={TimeZone}", .. _programs.CommandOf(Configuration, Data, Port, TcpPort)];
        _process = await ServerProcess.StartAsync("ClickHouse", command, _folder.FullName, _folder.PathOf("log"), cancellationToken);
        await _process.WaitUntilReadyAsync(FindMissingAsync, cancellationToken);
    }

    /// <summary>Stops the server in order (SIGTERM).</summary>
    public Task StopAsync(CancellationToken cancellationToken) => Running("Stopping").EndAsync(Signals.Terminate, cancellationToken);

    /// <summary>Kills the process at once (SIGKILL). What it acknowledged is in its files.</summary>
    public Task KillAsync(CancellationToken cancellationToken) => Running("Killing").KillAsync(cancellationToken);

    /// <summary>Stops the process where it is (SIGSTOP): connections stay and are accepted, and nothing answers.</summary>
    public Task FreezeAsync(CancellationToken cancellationToken) => Running("Freezing").FreezeAsync(cancellationToken);

    /// <summary>Lets a frozen server go on.</summary>
    public void Resume() => Running("Resuming").Resume();

    /// <summary>Makes an empty database with a name of its own.</summary>
    /// <param name="name">How the name begins: lower case letters, digits and underscores.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    public async Task<ClickHouseDatabase> CreateDatabaseAsync(string name, CancellationToken cancellationToken)
    {
        var database = new ClickHouseDatabase(this, string.Create(CultureInfo.InvariantCulture, $"{name}_{Interlocked.Increment(ref Databases)}"));
        await ExecuteAsync($"CREATE DATABASE {database.Name}", cancellationToken);
        return database;
    }

    /// <summary>What the driver takes to connect to a database.</summary>
    /// <param name="database">The database.</param>
    /// <param name="port">A port that leads to that of the server; null: the server's.</param>
    public string ConnectionStringOf(string database, int? port = null) =>
        string.Create(CultureInfo.InvariantCulture, $"Host=127.0.0.1;Port={port ?? Port};Username={User};Password={Password};Database={database}");

    /// <summary>Runs a statement, or several that are separated by semicolons, in a database.</summary>
    public async Task ExecuteAsync(string statements, CancellationToken cancellationToken, string database = "default")
    {
        // Over HTTP a request has one statement.
        foreach (var statement in statements.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
            await SendAsync(statement, database, cancellationToken);
    }

    /// <summary>Runs a query in a database; returns its rows, their values as text.</summary>
    public async Task<IReadOnlyList<string[]>> ReadAsync(string query, CancellationToken cancellationToken, string database = "default")
    {
        var text = await SendAsync($"{query} FORMAT TSV", database, cancellationToken);
        return [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(row => row.Split('\t'))];
    }

    /// <summary>Ends the server and removes its data.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_process is { } process)
        {
            _process = null;
            await process.DisposeAsync();
        }

        _http.Dispose();
        _folder.Delete();
    }

    private string Configuration => _folder.PathOf("config.xml");

    private string Users => _folder.PathOf("users.xml");

    private string Data { get; }

    private Uri Address => new(string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}/"));

    private async Task<string> SendAsync(string statement, string database, CancellationToken cancellationToken)
    {
        using var content = new StringContent(statement);
        using var answer = await _http.PostAsync(new Uri(Address, $"?database={database}"), content, cancellationToken);
        var text = await answer.Content.ReadAsStringAsync(cancellationToken);
        return answer.StatusCode == HttpStatusCode.OK ? text : throw new InvalidOperationException($"{text.Trim()}\n{statement}");
    }

    private async Task<string?> FindMissingAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(AnswerLimit);
        try
        {
            await SendAsync("SELECT 1", "default", limit.Token);
            return null;
        }
        catch (Exception e) when (e is HttpRequestException or InvalidOperationException or OperationCanceledException)
        {
            cancellationToken.ThrowIfCancellationRequested();
            return e.Message;
        }
    }

    private ServerProcess Running(string operation) =>
        _process is { IsRunning: true } process ? process : throw new InvalidOperationException($"{operation}: ClickHouse does not run.");

    // A busy machine must not look like a server with too much to do, which would close connections.
    private string DescribeServer() =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"""
            <clickhouse>
              <logger><level>warning</level><console>true</console></logger>
              <listen_host>127.0.0.1</listen_host>
              <http_port>{Port}</http_port>
              <tcp_port>{TcpPort}</tcp_port>
              <path>{Data}/</path>
              <users_config>{Users}</users_config>
              <shutdown_wait_unfinished>1</shutdown_wait_unfinished>
              <mark_cache_size>67108864</mark_cache_size>
              <max_server_memory_usage>3221225472</max_server_memory_usage>
              <min_os_cpu_wait_time_ratio_to_drop_connection>0</min_os_cpu_wait_time_ratio_to_drop_connection>
              <max_os_cpu_wait_time_ratio_to_drop_connection>0</max_os_cpu_wait_time_ratio_to_drop_connection>
            </clickhouse>
            """
        );

    // The engine as a library runs its first statements as the default user, who has no password and may do nothing else.
    private string DescribeUsers() =>
        $"""
            <clickhouse>
              <profiles><default/></profiles>
              <quotas><default/></quotas>
              <users>
                <default>
                  <no_password/>
                  <networks><ip>127.0.0.1</ip></networks>
                  <profile>default</profile>
                  <quota>default</quota>
                  <grants><query>GRANT SYSTEM LISTEN, CREATE TEMPORARY TABLE, FILE ON *.*</query></grants>
                </default>
                <{User}>
                  <password>{Password}</password>
                  <networks><ip>127.0.0.1</ip></networks>
                  <profile>default</profile>
                  <quota>default</quota>
                </{User}>
              </users>
            </clickhouse>
            """;
}
