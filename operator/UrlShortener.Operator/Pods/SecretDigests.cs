using System.Security.Cryptography;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.Pods;

/// <summary>Secrets in the form that the operator caches: keys with digests of the values, never the values.</summary>
internal static class SecretDigests
{
    /// <summary>Replaces the values of a Secret by digests before it is cached.</summary>
    public static void Apply(V1Secret secret)
    {
        secret.StringData = null;
        // kubectl apply stores the values there too.
        secret.Metadata.Annotations = null;
        foreach (var (key, value) in secret.Data?.ToList() ?? [])
            secret.Data![key] = SHA256.HashData(value);
    }

    /// <summary>A copy of a Secret in that form; null: there is no Secret.</summary>
    public static V1Secret? Of(V1Secret? secret)
    {
        if (secret is null)
            return null;
        var copy = new V1Secret
        {
            Metadata = new V1ObjectMeta { Name = secret.Metadata.Name, NamespaceProperty = secret.Metadata.NamespaceProperty },
            Data = secret.Data is null ? null : new Dictionary<string, byte[]>(secret.Data),
        };
        Apply(copy);
        return copy;
    }

    /// <summary>One digest of all referenced values; it changes with any of them.</summary>
    /// <param name="references">The keys.</param>
    /// <param name="secrets">Secrets by name, with digests instead of values.</param>
    public static string Of(IEnumerable<SecretKeyRef> references, IReadOnlyDictionary<string, V1Secret> secrets) =>
        Digest.Of(
            references.Select(reference => Find(reference, secrets) is { } value ? $"{reference.Name}/{reference.Key}/{Convert.ToHexString(value)}" : "")
        );

    /// <summary>Digest of one value; null: the Secret or the key is missing.</summary>
    public static byte[]? Find(SecretKeyRef reference, IReadOnlyDictionary<string, V1Secret> secrets) =>
        secrets.TryGetValue(reference.Name, out var secret) && secret.Data?.TryGetValue(reference.Key, out var value) == true ? value : null;

    /// <summary>
    /// One digest of everything that the processes of a region read at the start only: plain settings and referenced values. Connections of stores that the
    /// operator runs are files, which they read again.
    /// </summary>
    public static string OfSettings(V1Alpha1ShortenerRegion region, IEnumerable<SecretKeyRef> references, IReadOnlyDictionary<string, V1Secret> secrets) =>
        Digest.Of([
            .. RuntimeEnvironment.Plain(region).Select(setting => $"{setting.Key}={setting.Value}"),
            Of(references.Except(StoreConnections.MadeFor(region)), secrets),
        ]);

    /// <summary>The obstacle if a Secret or its key is missing; null: both exist.</summary>
    public static Obstacle? FindMissing(SecretKeyRef reference, IReadOnlyDictionary<string, V1Secret> secrets) =>
        !secrets.ContainsKey(reference.Name)
            ? new Obstacle(Reasons.SecretNotFound, $"Secret {reference.Name} does not exist in this namespace. Create it with key {reference.Key}.")
        : Find(reference, secrets) is null
            ? new Obstacle(Reasons.SecretNotFound, $"Secret {reference.Name} has no key {reference.Key}. Add the key, or reference another one.")
        : null;
}
