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

    /// <summary>The cluster does not serve the kind that sends visitors to regions.</summary>
    public const string NoBackend = nameof(NoBackend);

    /// <summary>No region of the group serves. What was published last stays.</summary>
    public const string Panic = nameof(Panic);

    /// <summary>No region of the group has served yet, so that nothing is published.</summary>
    public const string NotServing = nameof(NotServing);

    /// <summary>Another group publishes the host name.</summary>
    public const string HostnameConflict = nameof(HostnameConflict);

    /// <summary>The region has no address to publish.</summary>
    public const string NoTargets = nameof(NoTargets);

    /// <summary>The region is not published, because its provider or kind of targets differs from that of others of the group.</summary>
    public const string TargetsDiffer = nameof(TargetsDiffer);

    /// <summary>What publishes has not confirmed the newest state.</summary>
    public const string NotConfirmed = nameof(NotConfirmed);

    /// <summary>The Gateway refuses the route.</summary>
    public const string RouteNotAccepted = nameof(RouteNotAccepted);

    /// <summary>The Gateway cannot use a Service of the route.</summary>
    public const string RefsNotResolved = nameof(RefsNotResolved);

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

    /// <summary>A new password is set; the former one is still valid.</summary>
    public const string PasswordRotating = nameof(PasswordRotating);

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

    /// <summary>Click events cannot be loaded into ClickHouse.</summary>
    public const string LoadFailing = nameof(LoadFailing);

    /// <summary>Click events wait for too long until they are loaded.</summary>
    public const string LoadBehind = nameof(LoadBehind);

    /// <summary>Kafka can be reached, and refuses click events.</summary>
    public const string KafkaRefuses = nameof(KafkaRefuses);

    /// <summary>The disk of a pod does not take click events.</summary>
    public const string SpoolFailing = nameof(SpoolFailing);

    /// <summary>The app reaches all servers.</summary>
    public const string Reachable = nameof(Reachable);

    /// <summary>A store that the operator runs is being set up or changed.</summary>
    public const string StoreStarting = nameof(StoreStarting);

    /// <summary>No member of PostgreSQL accepts writes.</summary>
    public const string NoPrimary = nameof(NoPrimary);

    /// <summary>The region has another database than the primary region of its group.</summary>
    public const string DifferentDatabase = nameof(DifferentDatabase);

    /// <summary>The namespaces of two regions of a group do not trust each other.</summary>
    public const string NotTrusted = nameof(NotTrusted);

    /// <summary>The region is to copy the database of the primary region, which there is not yet.</summary>
    public const string AwaitsPrimaryRegion = nameof(AwaitsPrimaryRegion);

    /// <summary>The members change to follow the primary region, or to be the primary.</summary>
    public const string ChangingRole = nameof(ChangingRole);

    /// <summary>A standby region receives no changes of the primary region.</summary>
    public const string NotReceiving = nameof(NotReceiving);

    /// <summary>The primary region no longer has changes that a standby region needs.</summary>
    public const string SlotLost = nameof(SlotLost);

    /// <summary>The region follows the primary region of its group.</summary>
    public const string StandbyRegion = nameof(StandbyRegion);

    /// <summary>Members of a store do not serve.</summary>
    public const string MembersMissing = nameof(MembersMissing);

    /// <summary>A replica of PostgreSQL receives nothing and does not recover by itself.</summary>
    public const string MemberDiverged = nameof(MemberDiverged);

    /// <summary>A volume of PostgreSQL is nearly full.</summary>
    public const string VolumeFull = nameof(VolumeFull);

    /// <summary>A member has changes that no other region has, and cannot save them.</summary>
    public const string ChangesNotSaved = nameof(ChangesNotSaved);

    /// <summary>Volumes get a larger size.</summary>
    public const string VolumesGrowing = nameof(VolumesGrowing);

    /// <summary>The API server refuses to let a volume grow.</summary>
    public const string VolumesNotGrown = nameof(VolumesNotGrown);

    /// <summary>PostgreSQL refuses a parameter of the specification.</summary>
    public const string ParametersRefused = nameof(ParametersRefused);

    /// <summary>Fewer replicas are synchronous than specified.</summary>
    public const string NoSyncReplica = nameof(NoSyncReplica);

    /// <summary>A replica may become the primary for which PostgreSQL does not wait.</summary>
    public const string SyncMismatch = nameof(SyncMismatch);

    /// <summary>A Secret has another passphrase than the repository of the backups.</summary>
    public const string PassphraseChanged = nameof(PassphraseChanged);

    /// <summary>No backup has been made yet.</summary>
    public const string NoBackupYet = nameof(NoBackupYet);

    /// <summary>The last backup failed.</summary>
    public const string BackupFailed = nameof(BackupFailed);

    /// <summary>No backup has succeeded since the schedule asked for one.</summary>
    public const string BackupOverdue = nameof(BackupOverdue);

    /// <summary>No restore has been rehearsed yet.</summary>
    public const string NoRehearsalYet = nameof(NoRehearsalYet);

    /// <summary>The last rehearsal of a restore failed.</summary>
    public const string RehearsalFailed = nameof(RehearsalFailed);

    /// <summary>No rehearsal has succeeded since the schedule asked for one.</summary>
    public const string RehearsalOverdue = nameof(RehearsalOverdue);

    /// <summary>A backup is being restored.</summary>
    public const string Restoring = nameof(Restoring);

    /// <summary>Volumes of a former region of the same name exist, which a restore would overwrite.</summary>
    public const string VolumesKept = nameof(VolumesKept);

    /// <summary>The restore failed.</summary>
    public const string RestoreFailed = nameof(RestoreFailed);

    /// <summary>Segments of the write-ahead log wait to be archived.</summary>
    public const string ArchivingStalled = nameof(ArchivingStalled);

    /// <summary>The archive lacks a segment of the write-ahead log since the newest backup.</summary>
    public const string ArchiveGap = nameof(ArchiveGap);

    /// <summary>The group had no primary, and the region is the first that is ready.</summary>
    public const string FirstReady = nameof(FirstReady);

    /// <summary>An annotation asked for the move of the primary role.</summary>
    public const string PromotionRequested = nameof(PromotionRequested);

    /// <summary>The regions of the group agreed on another primary.</summary>
    public const string RoleMoved = nameof(RoleMoved);

    /// <summary>Not all regions of the group have what they need to vote.</summary>
    public const string NotVoting = nameof(NotVoting);

    /// <summary>Too few API servers of the group answer to decide anything.</summary>
    public const string NoQuorum = nameof(NoQuorum);

    /// <summary>The regions of the group do not name the same witness.</summary>
    public const string WitnessDiffers = nameof(WitnessDiffers);

    /// <summary>The witness brings nothing to the group as it is, and does not vote.</summary>
    public const string WitnessNotUsed = nameof(WitnessNotUsed);

    /// <summary>The witness lacks an object, or has one that is not of this group.</summary>
    public const string WitnessInvalid = nameof(WitnessInvalid);

    /// <summary>The witness gets its vote, or loses it.</summary>
    public const string WitnessChanges = nameof(WitnessChanges);

    /// <summary>The specification leaves the decision to people.</summary>
    public const string ManualMode = nameof(ManualMode);

    /// <summary>Members of the primary region's PostgreSQL run without a guard that ends their right to write.</summary>
    public const string NotGuarded = nameof(NotGuarded);

    /// <summary>The primary role moves to another region.</summary>
    public const string RoleMoves = nameof(RoleMoves);

    /// <summary>The role cannot move, although something is amiss.</summary>
    public const string RoleStays = nameof(RoleStays);

    /// <summary>The previous primary was deleted.</summary>
    public const string PrimaryGone = nameof(PrimaryGone);

    /// <summary>The region was the primary before the group had records, or its only region.</summary>
    public const string KeptPrimary = nameof(KeptPrimary);

    /// <summary>The region does not have yet what its KeyPool needs.</summary>
    public const string RegionNotReady = nameof(RegionNotReady);

    /// <summary>A node of Redis does not work, and its shard has another one that does.</summary>
    public const string NodeAway = nameof(NodeAway);

    /// <summary>Slots of the Redis Cluster have no master that works.</summary>
    public const string SlotsNotServed = nameof(SlotsNotServed);

    /// <summary>Too few masters of the Redis Cluster work to elect others.</summary>
    public const string QuorumLost = nameof(QuorumLost);

    /// <summary>A node of Redis cannot write its append-only file.</summary>
    public const string PersistenceFailing = nameof(PersistenceFailing);

    /// <summary>Slots of Redis cannot be moved to other shards.</summary>
    public const string SlotsHeldUp = nameof(SlotsHeldUp);

    /// <summary>Redis gets other shards or replicas.</summary>
    public const string Scaling = nameof(Scaling);

    /// <summary>Nodes of Redis refuse the password in their Secret.</summary>
    public const string PasswordRefused = nameof(PasswordRefused);

    /// <summary>Nodes of Redis have data, but nobody knows which node owns which slots.</summary>
    public const string DataWithoutOwner = nameof(DataWithoutOwner);

    /// <summary>The pool has enough keys.</summary>
    public const string EnoughCodes = nameof(EnoughCodes);

    /// <summary>The pool has fewer keys than the low watermark.</summary>
    public const string BelowLowWatermark = nameof(BelowLowWatermark);

    /// <summary>There is no kubeconfig of the cluster that runs the region.</summary>
    public const string KubeconfigMissing = nameof(KubeconfigMissing);

    /// <summary>The kubeconfig of the cluster that runs the region has something that is refused, or lacks something.</summary>
    public const string KubeconfigInvalid = nameof(KubeconfigInvalid);

    /// <summary>The API server of the cluster that runs the region does not answer.</summary>
    public const string ClusterUnreachable = nameof(ClusterUnreachable);

    /// <summary>The API server of the cluster that runs the region refuses requests.</summary>
    public const string AccessDenied = nameof(AccessDenied);

    /// <summary>The region names a cluster, and the operator has no name of its own one.</summary>
    public const string ClusterNameUnset = nameof(ClusterNameUnset);

    /// <summary>The pool has fewer keys than the critical watermark.</summary>
    public const string BelowCriticalWatermark = nameof(BelowCriticalWatermark);

    /// <summary>The pool has no keys.</summary>
    public const string PoolEmpty = nameof(PoolEmpty);

    /// <summary>Many of all possible codes have been claimed.</summary>
    public const string KeyspaceUsed = nameof(KeyspaceUsed);

    /// <summary>The key generation service fails.</summary>
    public const string GeneratorFailing = nameof(GeneratorFailing);
}
