using System.ComponentModel;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>Servers that the operator does not run.</summary>
internal sealed record ConnectionsSpec
{
    /// <summary>Npgsql connection string; null: <see cref="RegionSpec.Postgres"/>.</summary>
    [Description("Secret with the Npgsql connection string of a PostgreSQL that you run, such as Host=pg-0,pg-1;Username=shortener;Password=...;Database=shortener.")]
    public ConnectionSecretRef? PostgresSecretRef { get; init; }

    /// <summary>StackExchange.Redis configuration; null: <see cref="RegionSpec.Redis"/> or none.</summary>
    [Description("Secret with the StackExchange.Redis configuration of a Redis Cluster or server that you run, such as redis-0:6379,redis-1:6379,password=.... "
        + "Without any Redis the region works: processes cache and limit for themselves, and there is no KeyPool.")]
    public ConnectionSecretRef? RedisSecretRef { get; init; }

    /// <summary>The token of the key generation service; null: the operator makes one.</summary>
    [Description("Secret with the token that guards the endpoints of the key generation service, 32 characters or more. Absent: the operator makes a Secret with one.")]
    public TokenSecretRef? KgsTokenSecretRef { get; init; }
}
