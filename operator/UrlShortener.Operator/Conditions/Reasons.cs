namespace UrlShortener.Operator.Conditions;

/// <summary>Reasons of conditions and events. A fixed list: users and alerts may rely on the names.</summary>
internal static class Reasons
{
    /// <summary>No problem.</summary>
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

    /// <summary>An object with the name exists and belongs to another owner.</summary>
    public const string NameTaken = nameof(NameTaken);

    /// <summary>An object of the operator is being deleted and still exists.</summary>
    public const string BeingDeleted = nameof(BeingDeleted);

    /// <summary>The API server, a policy or a webhook of the cluster refuses an object that the operator writes.</summary>
    public const string ApplyRefused = nameof(ApplyRefused);

    /// <summary>The cluster does not serve a kind that the specification asks for.</summary>
    public const string KindNotServed = nameof(KindNotServed);

    /// <summary>The region of a KeyPool does not exist.</summary>
    public const string RegionNotFound = nameof(RegionNotFound);

    /// <summary>The region already has another KeyPool.</summary>
    public const string PoolConflict = nameof(PoolConflict);

    /// <summary>The specification suspends the object.</summary>
    public const string SuspendedBySpec = nameof(SuspendedBySpec);

    /// <summary>A Job is migrating the database.</summary>
    public const string Migrating = nameof(Migrating);

    /// <summary>The migration of the database failed.</summary>
    public const string MigrationFailed = nameof(MigrationFailed);

    /// <summary>The database lacks migrations although it was migrated: it was emptied, replaced or restored.</summary>
    public const string SchemaBehind = nameof(SchemaBehind);

    /// <summary>A newer version of the product migrated the database.</summary>
    public const string SchemaAhead = nameof(SchemaAhead);

    /// <summary>Pods are being replaced or added.</summary>
    public const string RollingOut = nameof(RollingOut);

    /// <summary>A rollout makes no progress.</summary>
    public const string RolloutStuck = nameof(RolloutStuck);

    /// <summary>The image of a pod cannot be pulled.</summary>
    public const string ImagePullBackOff = nameof(ImagePullBackOff);

    /// <summary>The container of a pod ends repeatedly.</summary>
    public const string CrashLoopBackOff = nameof(CrashLoopBackOff);

    /// <summary>A container needs a Secret, a ConfigMap or a key that does not exist.</summary>
    public const string CreateContainerConfigError = nameof(CreateContainerConfigError);

    /// <summary>The node cannot create or start a container.</summary>
    public const string CreateContainerError = nameof(CreateContainerError);

    /// <summary>The API server refuses pods, for example because of a quota.</summary>
    public const string PodsRefused = nameof(PodsRefused);

    /// <summary>Somebody paused a Deployment or suspended a Job.</summary>
    public const string Paused = nameof(Paused);

    /// <summary>No node can take a pod.</summary>
    public const string Unschedulable = nameof(Unschedulable);

    /// <summary>Fewer pods serve than should.</summary>
    public const string TooFewPods = nameof(TooFewPods);

    /// <summary>Enough pods serve.</summary>
    public const string EnoughPods = nameof(EnoughPods);

    /// <summary>The state is not known, because no pod answers.</summary>
    public const string NotKnown = nameof(NotKnown);

    /// <summary>The app does not reach a server that it needs.</summary>
    public const string Unreachable = nameof(Unreachable);

    /// <summary>The app reaches all servers.</summary>
    public const string Reachable = nameof(Reachable);

    /// <summary>The group had no primary, and the region is the first that is ready.</summary>
    public const string FirstReady = nameof(FirstReady);

    /// <summary>An annotation asked for the move of the primary role.</summary>
    public const string PromotionRequested = nameof(PromotionRequested);

    /// <summary>The previous primary was deleted.</summary>
    public const string PrimaryGone = nameof(PrimaryGone);

    /// <summary>The region was the primary before the group had records, or its only region.</summary>
    public const string KeptPrimary = nameof(KeptPrimary);

    /// <summary>The region does not have yet what its KeyPool needs.</summary>
    public const string RegionNotReady = nameof(RegionNotReady);

    /// <summary>The pool has enough keys.</summary>
    public const string EnoughCodes = nameof(EnoughCodes);

    /// <summary>The pool has fewer keys than the low watermark.</summary>
    public const string BelowLowWatermark = nameof(BelowLowWatermark);

    /// <summary>The pool has fewer keys than the critical watermark.</summary>
    public const string BelowCriticalWatermark = nameof(BelowCriticalWatermark);

    /// <summary>The pool has no keys.</summary>
    public const string PoolEmpty = nameof(PoolEmpty);

    /// <summary>Many of all possible codes have been claimed.</summary>
    public const string KeyspaceUsed = nameof(KeyspaceUsed);

    /// <summary>The key generation service fails.</summary>
    public const string GeneratorFailing = nameof(GeneratorFailing);
}
