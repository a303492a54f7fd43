using System.Security.Cryptography;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.Pods;

/// <summary>Secrets as the operator remembers them: which keys there are, and digests of their values, never the values.</summary>
internal static class SecretDigests
{
    /// <summary>Replaces the values of a Secret by their digests, before it is remembered.</summary>
    public static void Apply(V1Secret secret)
    {
        secret.StringData = null;
        foreach (var (key, value) in secret.Data?.ToList() ?? [])
            secret.Data![key] = SHA256.HashData(value);
    }

    /// <summary>One digest of all values that are referred to; it changes when one of them does.</summary>
    /// <param name="references">The keys.</param>
    /// <param name="secrets">Secrets by name, with digests for values.</param>
    public static string Of(IEnumerable<SecretKeyRef> references, IReadOnlyDictionary<string, V1Secret> secrets) =>
        Digest.Of(references.Select(reference => Find(reference, secrets) is { } value ? $"{reference.Name}/{reference.Key}/{Convert.ToHexString(value)}" : ""));

    /// <summary>Digest of one value; null: the Secret or the key is missing.</summary>
    public static byte[]? Find(SecretKeyRef reference, IReadOnlyDictionary<string, V1Secret> secrets) =>
        secrets.TryGetValue(reference.Name, out var secret) && secret.Data?.TryGetValue(reference.Key, out var value) == true ? value : null;

    /// <summary>One digest of all that the processes of a region read when they start: its plain settings, and the values that are referred to.</summary>
    public static string OfSettings(RegionSpec region, IEnumerable<SecretKeyRef> references, IReadOnlyDictionary<string, V1Secret> secrets) =>
        Digest.Of([.. RuntimeEnvironment.Plain(region).Select(setting => $"{setting.Key}={setting.Value}"), Of(references, secrets)]);

    /// <summary>What to say when a Secret or its key is missing; null: both are there.</summary>
    public static Obstacle? FindMissing(SecretKeyRef reference, IReadOnlyDictionary<string, V1Secret> secrets) =>
        !secrets.ContainsKey(reference.Name)
            ? new Obstacle(Reasons.SecretNotFound, $"There is no Secret {reference.Name} in this namespace. Create it with the key {reference.Key}.")
            : Find(reference, secrets) is null
                ? new Obstacle(Reasons.SecretNotFound, $"The Secret {reference.Name} has no key {reference.Key}. Add it, or name another key.")
                : null;
}
