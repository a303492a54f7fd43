using System.Globalization;
using System.Reflection;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.Redis;

/// <summary>The files that the nodes read: their configuration, and the scripts of the container. Pure.</summary>
internal static class RedisConfig
{
    /// <summary>Files with scripts, embedded in the program.</summary>
    public static readonly IReadOnlyList<string> Scripts = ["common.sh", "live.sh", "ready.sh", "start.sh", "stop.sh"];

    // Why each of them: docs/decisions/0027.
    private const string Fixed = """
        port 0
        tls-port 6379
        tls-auth-clients no
        tls-replication yes
        tls-cluster yes
        cluster-enabled yes
        cluster-config-file nodes.conf
        cluster-port 16379
        cluster-require-full-coverage no
        cluster-allow-reads-when-down yes
        cluster-allow-replica-migration no
        cluster-replica-validity-factor 0
        appendonly yes
        appendfsync everysec
        save ""
        repl-diskless-sync yes
        repl-diskless-sync-delay 0
        repl-backlog-size 16mb
        repl-timeout 10
        maxmemory-policy volatile-lru
        """;

    /// <summary>All files by name.</summary>
    public static Dictionary<string, string> Build(RedisSpec spec)
    {
        var files = Scripts.ToDictionary(name => name, Read, StringComparer.Ordinal);
        var lines = Adjustable(spec).Select(setting => $"{setting.Key} {setting.Value}");
        files["redis.conf"] = Normal(Fixed) + "\n" + string.Join('\n', lines) + "\n";
        return files;
    }

    /// <summary>Settings that the operator changes while a node runs.</summary>
    public static SortedDictionary<string, string> Adjustable(RedisSpec spec) =>
        new(StringComparer.Ordinal)
        {
            ["cluster-node-timeout"] = spec.NodeTimeoutMillis.ToString(CultureInfo.InvariantCulture),
            ["maxmemory"] = ((long)spec.MaxMemory.ToDecimal()).ToString(CultureInfo.InvariantCulture),
        };

    /// <summary>Digest of what a node reads only when it starts. A change replaces the pods.</summary>
    public static string DigestOfFixed() => Digest.Of([Normal(Fixed), .. Scripts.Select(Read)]);

    private static string Read(string name)
    {
        using var stream =
            Assembly.GetExecutingAssembly().GetManifestResourceStream($"redis/{name}") ?? throw new InvalidOperationException($"{name} is not embedded.");
        using var reader = new StreamReader(stream);
        return Normal(reader.ReadToEnd());
    }

    private static string Normal(string text) => text.Replace("\r\n", "\n", StringComparison.Ordinal);
}
