using System.ComponentModel;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>Servers that the operator does not run.</summary>
internal sealed record ConnectionsSpec
{
    /// <summary>Npgsql connection string; null: the operator runs PostgreSQL.</summary>
    [Description("Secret with the Npgsql connection string of your PostgreSQL, such as Host=pg-0,pg-1;Username=shortener;Password=...;Database=shortener.")]
    public ConnectionSecretRef? PostgresSecretRef { get; init; }

    /// <summary>StackExchange.Redis configuration; null: no Redis.</summary>
    [Description(
        "Secret with the StackExchange.Redis configuration of your Redis Cluster or server, such as redis-0:6379,redis-1:6379,password=.... "
            + "If absent, the region runs without Redis: each pod has its own cache and rate limits, and the region cannot have a KeyPool."
    )]
    public ConnectionSecretRef? RedisSecretRef { get; init; }

    /// <summary>The token of the key generation service; null: the operator creates one.</summary>
    [Description(
        "Secret with the token that protects the endpoints of the key generation service, at least 32 characters. If absent, the operator creates a "
            + "Secret with one."
    )]
    public TokenSecretRef? KgsTokenSecretRef { get; init; }
}
