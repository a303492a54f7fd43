using Xunit;

namespace UrlShortener.EndToEnd.Cluster.Tests;

/// <summary>The images that the cluster of the current kubeconfig runs, as <c>make e2e</c> names them.</summary>
/// <param name="OperatorImage">The operator.</param>
/// <param name="RuntimeImage">The runtime.</param>
/// <param name="NextRuntimeImage">A runtime under another name, to be rolled out. It may be the same.</param>
/// <param name="PostgresImage">PostgreSQL, of any supported version.</param>
/// <param name="RedisImage">Redis, of any supported version.</param>
internal sealed record ClusterSettings(string OperatorImage, string RuntimeImage, string NextRuntimeImage, string PostgresImage, string RedisImage)
{
    private const string Prefix = "E2E_";

    /// <summary>Nodes that tests may drain and lose; empty: none.</summary>
    public static IReadOnlyList<string> Nodes => Find("NODES")?.Split([' ', ','], StringSplitOptions.RemoveEmptyEntries) ?? [];

    /// <summary>The command that ends and starts nodes: called with <c>kill NODE</c>, <c>start NODE</c>, <c>cut NODE</c> and <c>heal NODE</c>.</summary>
    public static string? NodeTool => Find("NODE_TOOL");

    /// <summary>The image of PostgreSQL with Patroni that the operator runs, and another name of one to roll out; null: none.</summary>
    public static (string Image, string Next)? StorePostgres => FindPair("STORE_POSTGRES_IMAGE");

    /// <summary>The image of Redis that the operator runs, and another name of one to roll out; null: none.</summary>
    public static (string Image, string Next)? StoreRedis => FindPair("STORE_REDIS_IMAGE");

    /// <summary>A folder or file with the CustomResourceDefinitions of prometheus-operator, for a cluster without them; null: none.</summary>
    public static string? PrometheusOperatorKinds => Find("PROMETHEUS_OPERATOR_CRDS");

    /// <summary>Whether a cluster was meant.</summary>
    public static bool IsMeant => Find("OPERATOR_IMAGE") is not null;

    /// <summary>Reads the environment. Skips the test when it names no images: then no cluster was meant.</summary>
    public static ClusterSettings ReadOrSkip()
    {
        Assert.SkipUnless(
            IsMeant,
            "It installs the product in the cluster of the current kubeconfig, and removes it again: `make e2e` (docs/operator.md) runs it."
        );
        return new ClusterSettings(Read("OPERATOR_IMAGE"), Read("RUNTIME_IMAGE"), Read("NEXT_RUNTIME_IMAGE"), Read("POSTGRES_IMAGE"), Read("REDIS_IMAGE"));
    }

    private static (string Image, string Next)? FindPair(string name) => Find(name) is { } image ? (image, Find($"NEXT_{name}") ?? image) : null;

    private static string? Find(string name) => Environment.GetEnvironmentVariable(Prefix + name) is { Length: > 0 } value ? value : null;

    private static string Read(string name) => Find(name) ?? throw new InvalidOperationException($"{Prefix}{name} is not set; `make e2e` sets it.");
}
