namespace UrlShortener.Operator.Entities.Spec;

/// <summary>Values of <see cref="PostgresSpec.Durability"/>.</summary>
internal static class Durability
{
    /// <summary>A write is acknowledged when a standby has it; while there is no standby, when the primary alone has it.</summary>
    public const string Sync = nameof(Sync);

    /// <summary>A write is acknowledged only when a standby has it.</summary>
    public const string Strict = nameof(Strict);

    /// <summary>A write is acknowledged when the primary has it.</summary>
    public const string Async = nameof(Async);
}
