using System.Text;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.KeyPools;

/// <summary>Reads tokens of the key generation service for each use: caches have only digests of Secrets, and this class stores none.</summary>
internal sealed class KgsTokens(ResourceClient client)
{
    /// <summary>A token; null: the Secret or the key is missing or empty.</summary>
    public async Task<string?> ReadAsync(string space, SecretKeyRef reference, CancellationToken cancellationToken)
    {
        var secret = await client.GetAsync<V1Secret>(new ObjectKey(space, reference.Name), cancellationToken);
        return secret?.Data?.TryGetValue(reference.Key, out var value) == true && value.Length > 0 ? Encoding.UTF8.GetString(value) : null;
    }
}
