using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace UrlShortener.Operator.Clusters;

/// <summary>
/// The current context of a kubeconfig: an address, the certificates of the authority, and a token. Everything else is refused: plugins run programs, files are
/// those of this process, and write guards understand nothing else. A context of the name <see cref="GuardContext"/> has the token of the write guards. Pure.
/// </summary>
/// <param name="Server">Address of the API server.</param>
/// <param name="AuthorityPem">Certificates of the authority.</param>
/// <param name="Token">The bearer token.</param>
/// <param name="GuardToken">The bearer token of the write guards, which only read votes; null: the same.</param>
internal sealed record Kubeconfig(Uri Server, string AuthorityPem, string Token, string? GuardToken = null)
{
    /// <summary>Name of the context of the write guards.</summary>
    public const string GuardContext = "guard";

    private const int MaxBytes = 256 * 1024;
    private const int MaxDepth = 32;

    private static readonly Dictionary<string, string> Remedies = new(StringComparer.Ordinal)
    {
        ["exec"] = "The operator runs no programs of a kubeconfig.",
        ["auth-provider"] = "The operator runs no plugins of a kubeconfig.",
        ["insecure-skip-tls-verify"] = "Give the certificates of the authority instead.",
        ["certificate-authority"] = "Give certificate-authority-data instead of a file.",
        ["tokenFile"] = "Give token instead of a file.",
        ["client-certificate"] = "Give a token instead.",
        ["client-key"] = "Give a token instead.",
        ["client-certificate-data"] = "Write guards need a token. Give one instead.",
        ["client-key-data"] = "Write guards need a token. Give one instead.",
    };

    /// <summary>Reads a kubeconfig.</summary>
    /// <param name="data">The file.</param>
    /// <returns>What it says; or why it cannot be used, as a sentence.</returns>
    public static (Kubeconfig? Value, string? Problem) Read(byte[] data)
    {
        if (data.Length > MaxBytes)
            return Refuse($"It has more than {MaxBytes / 1024} KiB.");
        try
        {
            var text = new UTF8Encoding(false, true).GetString(data);
            // Nodes are read by a recursion, whose end by a full stack would be that of the process.
            if (IsDeep(text))
                return Refuse($"It is nested more than {MaxDepth} levels deep.");
            var stream = new YamlStream();
            using var reader = new StringReader(text);
            stream.Load(reader);
            return stream.Documents is [{ RootNode: YamlMappingNode root }] ? Read(root) : Refuse("It is not one YAML object.");
        }
        // The parser throws other exceptions than its own for some texts.
        catch (Exception error) when (error is YamlException or InvalidOperationException or ArgumentException)
        {
            // Without the text: it may have the token.
            return Refuse("It is not YAML.");
        }
    }

    /// <summary>In the form that clients take.</summary>
    public KubernetesClientConfiguration ToConfiguration()
    {
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPem(AuthorityPem);
        return new KubernetesClientConfiguration
        {
            Host = Server.GetLeftPart(UriPartial.Authority),
            SslCaCerts = authorities,
            AccessToken = Token,
        };
    }

    /// <inheritdoc />
    // Without the token.
    public override string ToString() => Server.ToString();

    private static (Kubeconfig? Value, string? Problem) Read(YamlMappingNode root)
    {
        if (TextOf(root, "current-context") is not { } current)
            return Refuse("current-context is missing.");
        if (FindNamed(root, "contexts", current, "context") is not { } context)
            return Refuse($"The context {Quote(current)} is missing.");
        if (TextOf(context, "cluster") is not { } clusterName || FindNamed(root, "clusters", clusterName, "cluster") is not { } cluster)
            return Refuse($"The cluster of context {Quote(current)} is missing.");
        if (TextOf(context, "user") is not { } userName || FindNamed(root, "users", userName, "user") is not { } user)
            return Refuse($"The user of context {Quote(current)} is missing.");
        if (FindForeign(cluster, "cluster", "server", "certificate-authority-data") is { } foreign)
            return Refuse(foreign);
        if (FindForeign(user, "user", "token") is { } other)
            return Refuse(other);
        if (
            !Uri.TryCreate(TextOf(cluster, "server"), UriKind.Absolute, out var server)
            || server.Scheme != Uri.UriSchemeHttps
            || server.UserInfo.Length > 0
            || server.PathAndQuery is not "/"
        )
            return Refuse("cluster.server must be an address such as https://192.0.2.1:6443, without a path.");
        if (ReadToken(user) is not { } token)
            return Refuse("user.token must be a token: printable characters without spaces.");
        var (guard, problem) = ReadGuardToken(root, clusterName);
        if (problem is not null)
            return Refuse(problem);
        return ReadAuthorities(TextOf(cluster, "certificate-authority-data")) is { } authorities
            ? (new Kubeconfig(server, authorities, token, guard), null)
            : Refuse("cluster.certificate-authority-data must have certificates, as PEM in base64.");
    }

    // One that is there and cannot be used is no reason to give the guards the other token, which may more.
    private static (string? Token, string? Problem) ReadGuardToken(YamlMappingNode root, string cluster)
    {
        if (FindNamed(root, "contexts", GuardContext, "context") is not { } context)
            return (null, null);
        if (TextOf(context, "cluster") != cluster)
            return (null, $"The context {GuardContext} must have the cluster {Quote(cluster)}.");
        if (TextOf(context, "user") is not { } name || FindNamed(root, "users", name, "user") is not { } user)
            return (null, $"The user of context {GuardContext} is missing.");
        if (FindForeign(user, "user", "token") is { } foreign)
            return (null, foreign);
        return ReadToken(user) is { } token
            ? (token, null)
            : (null, $"The token of context {GuardContext} must be a token: printable characters without spaces.");
    }

    private static bool IsDeep(string text)
    {
        using var reader = new StringReader(text);
        var parser = new Parser(reader);
        var depth = 0;
        while (depth <= MaxDepth && parser.MoveNext())
            depth += parser.Current!.NestingIncrease;
        return depth > MaxDepth;
    }

    private static string? ReadToken(YamlMappingNode user) =>
        TextOf(user, "token") is { Length: > 0 } token && token.All(letter => letter is > ' ' and <= '~') ? token : null;

    private static string? FindForeign(YamlMappingNode node, string name, params string[] known)
    {
        foreach (var key in node.Children.Keys.OfType<YamlScalarNode>().Select(key => key.Value ?? ""))
        {
            if (key is "extensions" || known.Contains(key, StringComparer.Ordinal))
                continue;
            // Nothing is switched off.
            if (key is "insecure-skip-tls-verify" && TextOf(node, key) is "false")
                continue;
            return $"{name}.{Quote(key)} is refused. {Remedies.GetValueOrDefault(key, $"Only these are taken: {string.Join(", ", known)}.")}";
        }

        return null;
    }

    private static string? ReadAuthorities(string? data)
    {
        try
        {
            var authorities = new X509Certificate2Collection();
            authorities.ImportFromPem(Encoding.ASCII.GetString(Convert.FromBase64String(data ?? "")));
            return authorities.Count > 0 ? string.Concat(authorities.Select(authority => authority.ExportCertificatePem() + "\n")) : null;
        }
        catch (Exception error) when (error is FormatException or CryptographicException)
        {
            return null;
        }
    }

    private static YamlMappingNode? FindNamed(YamlMappingNode root, string list, string name, string field) =>
        NodeOf(root, list) is YamlSequenceNode entries
            ? entries.OfType<YamlMappingNode>().Where(entry => TextOf(entry, "name") == name).Select(entry => NodeOf(entry, field)).FirstOrDefault()
                as YamlMappingNode
            : null;

    private static YamlNode? NodeOf(YamlMappingNode node, string key) => node.Children.TryGetValue(new YamlScalarNode(key), out var value) ? value : null;

    private static string? TextOf(YamlMappingNode node, string key) => (NodeOf(node, key) as YamlScalarNode)?.Value;

    private static (Kubeconfig? Value, string? Problem) Refuse(string problem) => (null, problem);

    private static string Quote(string text) => Conditions.Texts.Cut(text, 60);
}
