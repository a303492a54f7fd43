using System.Diagnostics;
using System.Globalization;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>
/// Cuts the pods of a node off from all others, silently, as a switch port that is dead: by rules of the packet filter of this machine for the node's control
/// group and its pods' addresses. A shell holds them and takes them away when a pipe of ours closes, however this process ended.
/// </summary>
internal sealed class NodeNetwork : IAsyncDisposable
{
    private const string Prefix = "urlshortener-servers-";
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly string? _group;
    private readonly string? _folder;
    private Process? _cut;

    /// <param name="name">A name that no other node of this machine has, which begins as those of the servers' folders do.</param>
    public NodeNetwork(string name)
    {
        if (ContainerNamespaces.FindControlGroups() is not { } root)
            return;
        try
        {
            Sweep(root);
            _folder = Directory.CreateDirectory(Path.Combine(root, name)).FullName;
            _group = name;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The node cannot be cut off, which is told when somebody wants to.
        }
    }

    /// <summary>The node's own address, from which it asks its pods.</summary>
    public string Address { get; } = PodAddresses.Take();

    /// <summary>The file by which a process joins the node's control group; null where there is none.</summary>
    public string? ProcessesFile => _folder is null ? null : Path.Combine(_folder, "cgroup.procs");

    /// <summary>Why a node cannot be cut off on this machine; null: it can. The packet filter is installed where that is possible.</summary>
    public async Task<string?> FindObstacleAsync(CancellationToken cancellationToken)
    {
        if (_group is null)
            return "it needs control groups of version 2, as root";
        var (folder, reason) = await Programs.FindOrInstallAsync(["iptables"], DebianPackages.PacketFilter, cancellationToken);
        return folder is null ? $"it needs iptables, and {reason}" : null;
    }

    /// <summary>Drops all packets between the pods and others. Returns when it is done.</summary>
    /// <exception cref="ServerUnavailableException">This machine has not what it takes.</exception>
    public async Task CutAsync(IReadOnlyCollection<string> addresses, IEnumerable<int> processes, CancellationToken cancellationToken)
    {
        if (_cut is not null)
            return;
        if (await FindObstacleAsync(cancellationToken) is { } obstacle)
            throw new ServerUnavailableException($"A node cannot be cut off: {obstacle}.");

        var ports = ProcFiles.ReadLoopbackPorts(processes);
        var start = new ProcessStartInfo("setsid", ["/bin/sh", "-c", BuildScript(addresses, ports)])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        _cut = Process.Start(start)!;
        if (await _cut.StandardOutput.ReadLineAsync(cancellationToken).AsTask().WaitAsync(Limit, cancellationToken) is not "cut")
        {
            var error = await _cut.StandardError.ReadToEndAsync(cancellationToken);
            await HealAsync();
            throw new ServerUnavailableException($"Cutting a node off failed: {error}");
        }
    }

    /// <summary>Lets packets through again. Returns when it is done.</summary>
    public async Task HealAsync()
    {
        if (_cut is not { } cut)
            return;
        _cut = null;
        cut.StandardInput.Close();
        await cut.WaitForExitAsync(CancellationToken.None).WaitAsync(Limit);
        cut.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await HealAsync();
        if (_folder is not null)
            Remove(_folder);
    }

    /// <summary>The rules of one chain, the packets of which come from programs of this machine and go to others.</summary>
    private string BuildScript(IReadOnlyCollection<string> addresses, IEnumerable<int> ports)
    {
        // Names of chains have at most 28 characters.
        var chain = $"POD-{Guid.NewGuid():N}"[..20];
        var own = $"-m cgroup --path {_group}";
        string[] rules =
        [
            // The kubelet is on this side of the cut.
            $"-s {Address} -j RETURN",
            $"-d {Address} -j RETURN",
            // So are the pods among themselves: connections are marked on their way there, for the way back.
            "-m connmark --mark 0x706f64 -j RETURN",
            .. addresses.SelectMany(address => new[] { $"{own} -d {address} -j CONNMARK --set-mark 0x706f64", $"{own} -d {address} -j RETURN" }),
            $"{own} -j DROP",
            .. addresses.SelectMany(address => new[] { $"-d {address} -j DROP", $"-s {address} -j DROP" }),
            // What others still send on connections that the pods have opened.
            .. ports.Select(port => string.Create(CultureInfo.InvariantCulture, $"-d 127.0.0.1 -p tcp --dport {port} -j DROP")),
        ];
        return $"""
            filter() {"{"} iptables -w 20 "$@"; {"}"}
            end() {"{"} filter -D OUTPUT -o lo -j {chain}; filter -F {chain}; filter -X {chain}; {"}"}
            trap 'end 2>/dev/null' EXIT
            set -e
            filter -N {chain}
            {string.Join('\n', rules.Select(rule => $"filter -A {chain} {rule}"))}
            filter -I OUTPUT -o lo -j {chain}
            echo cut
            read -r _ || :
            """;
    }

    /// <summary>Removes the groups of nodes whose process is gone.</summary>
    private static void Sweep(string root)
    {
        foreach (var folder in Directory.EnumerateDirectories(root, Prefix + "*"))
        {
            var parts = Path.GetFileName(folder)[Prefix.Length..].Split('-');
            if (parts is [var process, var began, _] && int.TryParse(process, CultureInfo.InvariantCulture, out var id) && ProcFiles.ReadStartTime(id) != began)
                Remove(folder);
        }
    }

    private static void Remove(string folder)
    {
        try
        {
            Directory.Delete(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Its last processes are just ending. The next node removes it.
        }
    }
}
