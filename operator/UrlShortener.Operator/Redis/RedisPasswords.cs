using System.Security.Cryptography;
using System.Text;
using UrlShortener.Operator.Apply;

namespace UrlShortener.Operator.Redis;

/// <summary>
/// The passwords of a region's Redis, as the Secret of the nodes has them. During a rotation all nodes accept two: first the new one beside the current one, then
/// the former one beside the new one. Pure.
/// </summary>
/// <param name="Current">With which nodes, their scripts and the app log in.</param>
internal sealed record RedisPasswords(string Current)
{
    /// <summary>Key of the Secret: <see cref="Next"/>.</summary>
    public const string NextKey = "next";

    /// <summary>Key of the Secret: <see cref="Former"/>.</summary>
    public const string FormerKey = "former";

    private const string RequirePass = "requirepass ";
    private const int MaxLength = 256;

    /// <summary>The new password that the nodes are to accept before anything uses it; null: none.</summary>
    public string? Next { get; init; }

    /// <summary>The former password, until no connection uses it; null: none.</summary>
    public string? Former { get; init; }

    /// <summary>The request that the newest password was made for; null: none.</summary>
    public string? Request { get; init; }

    /// <summary>The password that is to be the only one.</summary>
    public string Target => Next ?? Current;

    /// <summary>Passwords with which a node may have to be asked, in the order in which they are tried.</summary>
    public IReadOnlyList<string> Others => [.. new[] { Next, Former }.OfType<string>().Where(one => one != Current)];

    /// <summary>The passwords in a Secret; null: it has none of use.</summary>
    public static RedisPasswords? Of(IDictionary<string, byte[]>? data)
    {
        var file = SecretText.In(data, RedisResources.AuthFile) ?? "";
        var line = file.Split('\n').FirstOrDefault(line => line.StartsWith(RequirePass, StringComparison.Ordinal));
        return line?[RequirePass.Length..] is { } current && IsOfUse(current)
            ? new RedisPasswords(current)
            {
                Next = UseOf(SecretText.In(data, NextKey)),
                Former = UseOf(SecretText.In(data, FormerKey)),
                Request = SecretText.In(data, PasswordRotation.RequestKey),
            }
            : null;
    }

    /// <summary>
    /// The passwords of nodes that were set up before this process started; null: nobody knows them. The connection of the app has the password of a Secret that
    /// somebody deleted. If somebody changed the Secret while no operator ran, the nodes have that one, and the other one is new to them.
    /// </summary>
    /// <param name="stored">Those in the Secret of the nodes; null: it has none of use.</param>
    /// <param name="used">The one in the connection of the app; null: none.</param>
    /// <param name="former">The former one in the connection; null: none.</param>
    public static RedisPasswords? Choose(RedisPasswords? stored, string? used, string? former) =>
        stored is null
            ? used is null
                ? null
                : new RedisPasswords(used) { Former = former }
            : used is null || used == stored.Current || used == stored.Former || used == stored.Next
                ? stored
                : stored with
                {
                    Former = used,
                };

    /// <summary>Whether a password needs no quotes, in the configuration of Redis and in that of the app.</summary>
    public static bool IsOfUse(string? password) =>
        password is { Length: > 0 and <= MaxLength } && password.All(one => char.IsAsciiLetterOrDigit(one) || one is '-' or '_');

    /// <summary>The data of the Secret.</summary>
    public Dictionary<string, byte[]> Build()
    {
        var data = new Dictionary<string, byte[]> { [RedisResources.AuthFile] = Encoding.UTF8.GetBytes($"{RequirePass}{Current}\nmasterauth {Current}\n") };
        foreach (var (key, value) in new[] { (NextKey, Next), (FormerKey, Former), (PasswordRotation.RequestKey, Request) })
        {
            if (value is not null)
                data[key] = Encoding.UTF8.GetBytes(value);
        }

        return data;
    }

    /// <summary>The passwords when all nodes accept the new one: everything uses it from now on.</summary>
    public RedisPasswords Promote() => this with { Current = Target, Former = Current, Next = null };

    /// <summary>The passwords when nothing uses the former one.</summary>
    public RedisPasswords Finish() => this with { Former = null };

    /// <summary>How Redis stores a password.</summary>
    public static string HashOf(string password) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(password)));

    /// <summary>Without the passwords.</summary>
    public override string ToString() => $"next {Next is not null}, former {Former is not null}, {Request}";

    private static string? UseOf(string? password) => IsOfUse(password) ? password : null;
}
