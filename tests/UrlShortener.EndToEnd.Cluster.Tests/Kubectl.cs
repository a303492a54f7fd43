using System.Text.Json.Nodes;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.EndToEnd.Cluster.Tests;

/// <summary>The command that users have. It works on the cluster of the current kubeconfig.</summary>
/// <param name="folder">Where files for it are written.</param>
internal sealed class Kubectl(string folder)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(6);
    private static readonly string Program = Environment.GetEnvironmentVariable("KUBECTL") is { Length: > 0 } path ? path : "kubectl";

    private int _files;

    /// <summary>Runs a command and returns what it wrote. Fails with that when the command fails.</summary>
    public Task<string> RunAsync(string arguments, CancellationToken cancellationToken) => RunAsync(arguments.Split(' '), cancellationToken);

    /// <summary>The same, for arguments with spaces in them.</summary>
    public Task<string> RunAsync(IEnumerable<string> arguments, CancellationToken cancellationToken) =>
        Tool.RunAsync([Program, .. arguments], folder, Limit, cancellationToken);

    /// <summary>Runs a command and returns what it wrote, also when it fails.</summary>
    public Task<string> TryAsync(string arguments, CancellationToken cancellationToken) => TryAsync(arguments.Split(' '), cancellationToken);

    /// <summary>The same, for arguments with spaces in them.</summary>
    public async Task<string> TryAsync(IEnumerable<string> arguments, CancellationToken cancellationToken)
    {
        try
        {
            return await RunAsync(arguments, cancellationToken);
        }
        catch (InvalidOperationException error)
        {
            return error.Message;
        }
    }

    /// <summary>Reads an object.</summary>
    public async Task<JsonNode> GetAsync(string what, string space, CancellationToken cancellationToken) =>
        JsonNode.Parse(await RunAsync($"get {what} --namespace {space} --output json", cancellationToken))!;

    /// <summary>Reads an object as the API server has it; newer versions of the command leave a part out.</summary>
    /// <param name="path">Such as <c>/api/v1/namespaces/default</c>.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    public async Task<JsonNode> GetRawAsync(string path, CancellationToken cancellationToken) =>
        JsonNode.Parse(await RunAsync($"get --raw {path}", cancellationToken))!;

    /// <summary>Changes a resource by a merge patch.</summary>
    public Task PatchAsync(string what, string space, string patch, CancellationToken cancellationToken) =>
        RunAsync(["patch", what, "--namespace", space, "--type", "merge", "--patch", patch], cancellationToken);

    /// <summary>Applies manifests.</summary>
    public async Task<string> ApplyAsync(string manifests, string space, CancellationToken cancellationToken)
    {
        var path = Path.Combine(folder, $"{Interlocked.Increment(ref _files)}.yaml");
        await File.WriteAllTextAsync(path, manifests, cancellationToken);
        return await RunAsync($"apply --namespace {space} --filename {path}", cancellationToken);
    }

    /// <summary>Starts the way through the API server, which is there wherever kubectl works.</summary>
    /// <returns>The process, and the address of the API server's root.</returns>
    public async Task<(ServerProcess Process, Uri Address)> StartProxyAsync(CancellationToken cancellationToken)
    {
        var log = Path.Combine(folder, "proxy.log");
        var process = await ServerProcess.StartAsync("kubectl proxy", [Program, "proxy", "--port=0"], folder, log, cancellationToken);
        const string Words = "Starting to serve on ";
        await process.WaitUntilReadyAsync(
            _ => Task.FromResult(process.ReadLog().Contains(Words, StringComparison.Ordinal) ? null : process.ReadLog()),
            cancellationToken
        );
        var address = process.ReadLog().Split(Words)[1].Split('\n')[0].Trim();
        return (process, new Uri($"http://{address}/"));
    }
}
