using System.Security.Cryptography;
using System.Text;
using UrlShortener.Operator.Redis.Protocol;

namespace UrlShortener.Operator.Redis;

/// <summary>What a node says about passwords: hashes of them only.</summary>
/// <param name="Accepted">Passwords that it accepts.</param>
/// <param name="Link">Password of links to a master; empty: none.</param>
/// <param name="File">Password in the file that its pod has mounted, as its script told; null: it did not yet.</param>
/// <param name="Clients">Names and addresses of the app's connections.</param>
internal sealed record NodePasswords(IReadOnlySet<string> Accepted, string Link, string? File, IReadOnlyList<(string Name, string Address)> Clients)
{
    /// <summary>User that cannot log in: the script of a pod gives it the password in the pod's file, so that the operator learns what the pod has.</summary>
    public const string FileUser = "mounted";

    /// <summary>First part of the names of the app's connections; a digest of the password follows.</summary>
    public const string ClientPrefix = "url-shortener-";

    private const int DigestLength = 16;

    /// <summary>Whether the user with these passwords cannot log in, or may not do everything: somebody has changed it by hand.</summary>
    public bool IsRestricted { get; init; }

    /// <summary>The commands whose answers make it.</summary>
    public static IReadOnlyList<IReadOnlyList<string>> Questions { get; } =
    [
        ["ACL", "GETUSER", "default"],
        ["CONFIG", "GET", "masterauth"],
        ["ACL", "GETUSER", FileUser],
        ["CLIENT", "LIST", "TYPE", "normal"],
    ];

    /// <summary>Name of a connection of the app that knows a password.</summary>
    public static string ClientOf(string password) =>
        ClientPrefix + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"\n{password}")))[..DigestLength];

    /// <summary>From the answers to <see cref="Questions"/>; null: the node did not answer in full.</summary>
    public static NodePasswords? Of(IReadOnlyList<RedisOutcome> outcomes)
    {
        if (outcomes.Any(outcome => outcome.IsNotPermitted))
            return new NodePasswords(new HashSet<string>(), "", null, []) { IsRestricted = true };
        if (outcomes.Any(outcome => !outcome.Succeeded) || outcomes.Count != Questions.Count)
            return null;
        var link = outcomes[1].Reply!.Items is [_, { Text: { Length: > 0 } password }] ? RedisPasswords.HashOf(password) : "";
        return new NodePasswords(
            PasswordsOf(outcomes[0].Reply!).ToHashSet(StringComparer.Ordinal),
            link,
            PasswordsOf(outcomes[2].Reply!).FirstOrDefault(),
            [.. outcomes[3].Text.Split('\n').Select(ClientIn).OfType<(string, string)>()]
        )
        {
            IsRestricted = !MayDoEverything(outcomes[0].Reply!),
        };
    }

    /// <summary>Addresses of processes of the app that do not know a password.</summary>
    public IEnumerable<string> FindWithout(string password)
    {
        var name = ClientOf(password);
        return Clients.Where(client => client.Name != name).Select(client => client.Address);
    }

    private static IEnumerable<string> PasswordsOf(RespReply user) => FieldOf(user, "passwords")?.Items.Select(item => item.Text) ?? [];

    private static bool MayDoEverything(RespReply user) =>
        FieldOf(user, "flags")?.Items.Any(flag => flag.Text == "on") == true
        && FieldOf(user, "commands")?.Text == "+@all"
        && FieldOf(user, "keys")?.Text == "~*"
        && FieldOf(user, "channels")?.Text == "&*";

    // flags, passwords, commands … by turns with their values; nil: there is no such user.
    private static RespReply? FieldOf(RespReply user, string name) => user.Items.Chunk(2).FirstOrDefault(pair => pair.Length == 2 && pair[0].Text == name)?[1];

    private static (string, string)? ClientIn(string line)
    {
        var fields = line.Split(' ');
        var name = ValueIn(fields, "name=");
        return name?.StartsWith(ClientPrefix, StringComparison.Ordinal) == true && ValueIn(fields, "addr=") is { } address
            ? (name, address[..Math.Max(0, address.LastIndexOf(':'))])
            : null;
    }

    private static string? ValueIn(string[] fields, string key) => Array.Find(fields, field => field.StartsWith(key, StringComparison.Ordinal))?[key.Length..];
}
