using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.Pods;

/// <summary>How the processes of a region connect to its stores.</summary>
internal static class StoreConnections
{
    /// <summary>The Secret with the connection string of PostgreSQL; null only for an object that another version of the definition accepted.</summary>
    public static SecretKeyRef? PostgresOf(V1Alpha1ShortenerRegion region) =>
        region.Spec.Postgres is null
            ? region.Spec.Connections.PostgresSecretRef
            : new ConnectionSecretRef { Name = Names.Of(region.Metadata.Name, $"{Names.Postgres}-connection") };

    /// <summary>
    /// Key of the certificate authorities in the Secret with the certificates of a store. The Secret also has private keys: pods of the runtime mount only this key.
    /// </summary>
    public const string BundleFile = "ca-bundle.crt";

    /// <summary>The Secret with the certificates of a store.</summary>
    public static string TlsOf(V1Alpha1ShortenerRegion region, string component) => Names.Of(region.Metadata.Name, $"{component}-tls");

    /// <summary>The Secret with the configuration of Redis; null: the region has no Redis.</summary>
    public static SecretKeyRef? RedisOf(V1Alpha1ShortenerRegion region) =>
        region.Spec.Redis is null
            ? region.Spec.Connections.RedisSecretRef
            : new ConnectionSecretRef { Name = Names.Of(region.Metadata.Name, $"{Names.Redis}-connection") };

    /// <summary>The Secrets that the operator makes, because it runs the store. They exist only once the store serves.</summary>
    public static IEnumerable<SecretKeyRef> MadeFor(V1Alpha1ShortenerRegion region)
    {
        if (region.Spec.Postgres is not null)
            yield return PostgresOf(region)!;
        if (region.Spec.Redis is not null)
            yield return RedisOf(region)!;
    }
}
