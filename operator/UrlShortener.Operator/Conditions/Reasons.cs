namespace UrlShortener.Operator.Conditions;

/// <summary>Reasons of conditions and events: a fixed list, which people and alerts may rely on.</summary>
internal static class Reasons
{
    /// <summary>All is as it should be.</summary>
    public const string AsExpected = nameof(AsExpected);

    /// <summary>The specification breaks a rule.</summary>
    public const string InvalidSpec = nameof(InvalidSpec);

    /// <summary>A KeyPool needs Redis, and its region has none.</summary>
    public const string NotSupported = nameof(NotSupported);

    /// <summary>Another object has the same region in the same group.</summary>
    public const string RegionConflict = nameof(RegionConflict);

    /// <summary>A Secret or one of its keys is missing.</summary>
    public const string SecretNotFound = nameof(SecretNotFound);

    /// <summary>A ConfigMap or one of its keys is missing.</summary>
    public const string ConfigMapNotFound = nameof(ConfigMapNotFound);

    /// <summary>An object that the operator would make exists and belongs to somebody else.</summary>
    public const string NameTaken = nameof(NameTaken);

    /// <summary>The region of a KeyPool is missing.</summary>
    public const string RegionNotFound = nameof(RegionNotFound);

    /// <summary>The region of a KeyPool has another one already.</summary>
    public const string PoolConflict = nameof(PoolConflict);

    /// <summary>The specification says so.</summary>
    public const string SuspendedBySpec = nameof(SuspendedBySpec);

    /// <summary>The tables are being brought up to date.</summary>
    public const string Migrating = nameof(Migrating);

    /// <summary>The tables could not be brought up to date.</summary>
    public const string MigrationFailed = nameof(MigrationFailed);

    /// <summary>Pods are being replaced or added.</summary>
    public const string RollingOut = nameof(RollingOut);

    /// <summary>A rollout makes no progress.</summary>
    public const string RolloutStuck = nameof(RolloutStuck);

    /// <summary>Fewer pods serve than should.</summary>
    public const string TooFewPods = nameof(TooFewPods);

    /// <summary>Enough pods serve.</summary>
    public const string EnoughPods = nameof(EnoughPods);

    /// <summary>There is nobody to ask.</summary>
    public const string NotKnown = nameof(NotKnown);

    /// <summary>A server that the app needs is out of its reach.</summary>
    public const string Unreachable = nameof(Unreachable);

    /// <summary>All servers are in reach.</summary>
    public const string Reachable = nameof(Reachable);

    /// <summary>What a KeyPool takes from its region is not there yet.</summary>
    public const string RegionNotReady = nameof(RegionNotReady);

    /// <summary>The pool has enough codes.</summary>
    public const string EnoughCodes = nameof(EnoughCodes);

    /// <summary>The pool has fewer codes than the low watermark.</summary>
    public const string BelowLowWatermark = nameof(BelowLowWatermark);

    /// <summary>The pool has fewer codes than the critical watermark.</summary>
    public const string BelowCriticalWatermark = nameof(BelowCriticalWatermark);

    /// <summary>The pool has no codes.</summary>
    public const string PoolEmpty = nameof(PoolEmpty);

    /// <summary>Most of all codes that there are have been issued.</summary>
    public const string KeyspaceUsed = nameof(KeyspaceUsed);

    /// <summary>The key generation service cannot do its work.</summary>
    public const string GeneratorFailing = nameof(GeneratorFailing);
}
