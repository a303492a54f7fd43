using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace UrlShortener.Load;

/// <summary>The load generator: finds wrk, writes its script, runs it and reads its result.</summary>
internal sealed class Wrk
{
    private const string ResultPrefix = "RESULT ";

    private const string BrowserHeaders = """
        headers = {
          ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
          ["Referer"] = "https://news.example.org/today",
          ["X-Forwarded-For"] = "VISITOR",
        },
        """;

    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan InstallLimit = TimeSpan.FromMinutes(3);
    private readonly string _folder;
    private readonly int _threads;

    private Wrk(string folder, int threads)
    {
        _folder = folder;
        _threads = threads;
    }

    /// <summary>Installs wrk if it can and must. Scripts may hold an API key, so <paramref name="folder"/> must be private.</summary>
    public static async Task<Wrk> PrepareAsync(string folder, int threads, CancellationToken cancellationToken)
    {
        if (!IsOnPath())
        {
            if (!Environment.IsPrivilegedProcess || !File.Exists("/etc/debian_version"))
                throw new LoadException("wrk is not on the PATH. Install it (Debian and Ubuntu: apt-get install wrk; macOS: brew install wrk).");
            await RunAsync("apt-get", ["update"], InstallLimit, cancellationToken);
            await RunAsync("apt-get", ["install", "--yes", "--no-install-recommends", "wrk"], InstallLimit, cancellationToken);
            if (!IsOnPath())
                throw new LoadException("apt-get installed wrk, but it is still not on the PATH.");
        }

        return new Wrk(folder, threads);
    }

    /// <summary>Requests every path in turn, as a browser that follows a link would. A <paramref name="strict"/> run looks at every response,
    /// not only for statuses above 399, which costs the generator some speed.</summary>
    public Task<Measurement> RedirectAsync(Uri address, string pathsFile, LoadProfile load, bool strict, CancellationToken cancellationToken) =>
        MeasureAsync(
            address,
            "redirect.lua",
            load,
            strict ? 302 : null,
            $$"""
            paths_file = {{Quote(pathsFile)}},
            {{BrowserHeaders}}
            """,
            cancellationToken
        );

    /// <summary>Requests every path in turn, without anything that a browser would add.</summary>
    public Task<Measurement> PicturesAsync(Uri address, string pathsFile, LoadProfile load, CancellationToken cancellationToken) =>
        MeasureAsync(address, "pictures.lua", load, null, $"paths_file = {Quote(pathsFile)},", cancellationToken);

    /// <summary>Requests each path of the file once, as long as they last.</summary>
    public Task<Measurement> RedirectOnceAsync(Uri address, string pathsFile, LoadProfile load, CancellationToken cancellationToken) =>
        MeasureAsync(
            address,
            "once.lua",
            load,
            302,
            $$"""
            paths_file = {{Quote(pathsFile)}},
            {{BrowserHeaders}}
            """,
            cancellationToken
        );

    /// <summary>Requests paths by a Zipf distribution with an exponent of 1, those that stand first in the file most. Another <paramref name="seed"/> gives
    /// another order.</summary>
    public Task<Measurement> RedirectZipfAsync(Uri address, string pathsFile, int seed, LoadProfile load, CancellationToken cancellationToken) =>
        MeasureAsync(
            address,
            "zipf.lua",
            load,
            null,
            $$"""
            paths_file = {{Quote(pathsFile)}},
            seed = {{seed.ToString(CultureInfo.InvariantCulture)}},
            {{BrowserHeaders}}
            """,
            cancellationToken
        );

    /// <summary>Follows one link with another, large user agent in every request.</summary>
    public Task<Measurement> FloodAsync(Uri address, string path, int userAgentBytes, LoadProfile load, CancellationToken cancellationToken) =>
        MeasureAsync(
            address,
            "flood.lua",
            load,
            302,
            $$"""
            path = {{Quote(path)}},
            user_agent_bytes = {{userAgentBytes.ToString(CultureInfo.InvariantCulture)}},
            """,
            cancellationToken
        );

    /// <summary>Creates a new link with every request. <paramref name="run"/> sets its URLs apart from those of other runs against the same server.</summary>
    public Task<Measurement> CreateAsync(Uri address, string apiKey, int run, LoadProfile load, CancellationToken cancellationToken) =>
        MeasureAsync(
            address,
            "create.lua",
            load,
            201,
            $$"""
            path = "/api/v1/urls",
            first_number = {{(run * 100_000_000_000).ToString(CultureInfo.InvariantCulture)}},
            headers = { ["Content-Type"] = "application/json", ["X-API-Key"] = {{Quote(apiKey)}} },
            """,
            cancellationToken
        );

    /// <summary>Creates as many links with every request.</summary>
    public Task<Measurement> BulkAsync(Uri address, string apiKey, int links, LoadProfile load, CancellationToken cancellationToken) =>
        MeasureAsync(
            address,
            "bulk.lua",
            load,
            201,
            $$"""
            path = "/api/v1/urls/bulk",
            links = {{links.ToString(CultureInfo.InvariantCulture)}},
            headers = { ["Content-Type"] = "application/json", ["X-API-Key"] = {{Quote(apiKey)}} },
            """,
            cancellationToken
        );

    private static bool IsOnPath() =>
        (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .Any(folder => File.Exists(Path.Combine(folder, "wrk")));

    private async Task<Measurement> MeasureAsync(
        Uri address,
        string script,
        LoadProfile load,
        int? expectedStatus,
        string settings,
        CancellationToken cancellationToken
    )
    {
        // wrk refuses more threads than connections.
        var threads = Math.Min(_threads, load.Connections);
        var text = new StringBuilder("settings = {\n").AppendLine(settings).AppendLine(CultureInfo.InvariantCulture, $"threads = {threads},");
        if (expectedStatus is { } status)
            text.AppendLine(CultureInfo.InvariantCulture, $"expected_status = {status},");
        if (load.ThinkMilliseconds is { } pause)
            text.AppendLine(CultureInfo.InvariantCulture, $"think_milliseconds = {pause},");
        text.AppendLine("}").Append(ReadResource(script)).Append(ReadResource("common.lua"));
        var file = Path.Combine(_folder, script);
        await File.WriteAllTextAsync(file, text.ToString(), cancellationToken);

        string[] arguments = [Flag('t', threads), Flag('c', load.Connections), Flag('d', load.Seconds), "-s", file, address.ToString()];
        var output = await RunAsync("wrk", arguments, TimeSpan.FromSeconds(load.Seconds) + Grace, cancellationToken);
        var result =
            output.Split('\n').LastOrDefault(line => line.StartsWith(ResultPrefix, StringComparison.Ordinal))
            ?? throw new LoadException($"wrk gave no result:\n{output}");
        var measurement = JsonSerializer.Deserialize<Measurement>(result[ResultPrefix.Length..], JsonSerializerOptions.Web)!;
        return measurement.Requests > 0 ? measurement : throw new LoadException($"wrk got no answer from {address}:\n{output}");
    }

    private static string Flag(char name, int value) => string.Create(CultureInfo.InvariantCulture, $"-{name}{value}");

    private static string Quote(string value) =>
        "\"" + value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal) + "\"";

    private static string ReadResource(string name)
    {
        using var reader = new StreamReader(typeof(Wrk).Assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    private static async Task<string> RunAsync(string command, IEnumerable<string> arguments, TimeSpan limit, CancellationToken cancellationToken)
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(command, arguments) { RedirectStandardOutput = true, RedirectStandardError = true },
        };
        try
        {
            process.Start();
        }
        catch (Win32Exception exception)
        {
            throw new LoadException($"{command} could not be started: {exception.Message}");
        }

        try
        {
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var errors = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken).WaitAsync(limit, cancellationToken);
            var text = await output + await errors;
            return process.ExitCode == 0 ? text : throw new LoadException($"{command} ended with exit code {process.ExitCode}:\n{text}");
        }
        catch (TimeoutException)
        {
            throw new LoadException($"{command} did not end within {limit.TotalSeconds:0} s.");
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }
}
