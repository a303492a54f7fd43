using System.Globalization;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Certificates;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Postgres;

namespace UrlShortener.Operator.Backups;

/// <summary>Builds the Jobs of backups. Pure.</summary>
internal static class BackupResources
{
    /// <summary>Label of a Job: what it does.</summary>
    public const string KindLabel = $"{ApiGroup.Name}/backup-kind";

    /// <summary>Annotation of a Job: the request that it carries out.</summary>
    public const string RequestAnnotation = $"{ApiGroup.Name}/backup-request";

    /// <summary>Annotation of a Job: the repository that it works on.</summary>
    public const string RepositoryAnnotation = $"{ApiGroup.Name}/backup-repository";

    /// <summary>Annotation of a Job: digest of the specification that a restore is made from.</summary>
    public const string DigestAnnotation = $"{ApiGroup.Name}/restore-digest";

    // A pod that hangs is a failed backup after this time. One that was killed is at once, since it is not started again.
    private const long BackupSeconds = 12 * 3600;
    private const long CheckSeconds = 900;
    private const long User = 999;
    private const string ReportFile = "/var/log/backup-report";
    private const string DataVolume = "data";
    private const string CertificatesVolume = "tls";
    private const int DigestLength = 8;

    /// <summary>Name of the Job of a run.</summary>
    public static string NameOf(V1Alpha1ShortenerRegion region, BackupRun run) => Names.Of(region.Metadata.Name, SuffixOf(run));

    /// <summary>The kind of a Job; null: unknown.</summary>
    public static BackupKind? KindOf(V1Job job) =>
        job.Metadata.Labels is { } labels && labels.TryGetValue(KindLabel, out var text) && Enum.TryParse<BackupKind>(text, out var kind) ? kind : null;

    /// <summary>Whether the operator sees a Job as one of the region's: nobody has taken its owner or its labels away.</summary>
    public static bool IsOf(V1Job job, V1Alpha1ShortenerRegion region) =>
        Owned.IsControlledBy(job, region)
        && Labels.IsManaged(job.Metadata)
        && Labels.InstanceOf(job.Metadata) == Labels.InstanceValue(region.Metadata.Name)
        && Labels.ComponentOf(job.Metadata) == Names.Backup
        && KindOf(job) is not null;

    /// <summary>The Job of a run.</summary>
    /// <param name="region">The region.</param>
    /// <param name="run">The run.</param>
    /// <param name="primary">The member that it backs up; null: it reads none.</param>
    public static V1Job BuildJob(V1Alpha1ShortenerRegion region, BackupRun run, string? primary)
    {
        var metadata = Owned.Metadata(region, SuffixOf(run), Names.Backup);
        metadata.Labels[KindLabel] = run.Kind.ToString();
        metadata.Annotations = new Dictionary<string, string>();
        if (run.Kind != BackupKind.Restore)
            metadata.Annotations[RepositoryAnnotation] = BackupRepository.PlaceOf(region);
        if (run.Request is { } request)
            metadata.Annotations[RequestAnnotation] = request;
        if (run.Digest is { } digest)
            metadata.Annotations[DigestAnnotation] = digest;
        return new V1Job
        {
            Metadata = metadata,
            Spec = new V1JobSpec
            {
                BackoffLimit = 0,
                ActiveDeadlineSeconds = run.Kind == BackupKind.Check ? CheckSeconds : BackupSeconds,
                Template = BuildTemplate(region, run, primary),
            },
        };
    }

    private static V1PodTemplateSpec BuildTemplate(V1Alpha1ShortenerRegion region, BackupRun run, string? primary)
    {
        var kind = run.Kind;
        var readsMember = kind is BackupKind.Full or BackupKind.Differential;
        var data = BuildData(region, kind);
        var spec = region.Spec.Postgres!;
        var (repository, repositoryMounts) = PostgresArchiving.BuildRepository(
            kind == BackupKind.Restore ? spec.Restore!.Repository : spec.Backup!.Repository,
            isReadOnly: kind is BackupKind.Restore or BackupKind.Rehearsal or BackupKind.Check
        );
        return new V1PodTemplateSpec
        {
            Metadata = new V1ObjectMeta { Labels = Labels.Of(region.Metadata.Name, Names.Backup, region.Spec.Region) },
            Spec = new V1PodSpec
            {
                ServiceAccountName = PostgresNames.ScopeOf(region),
                AutomountServiceAccountToken = false,
                EnableServiceLinks = false,
                RestartPolicy = "Never",
                ImagePullSecrets = region.Spec.App.ImagePullSecrets is { Count: > 0 } secrets
                    ? [.. secrets.Select(secret => new V1LocalObjectReference { Name = secret.Name })]
                    : null,
                SecurityContext = new V1PodSecurityContext
                {
                    RunAsNonRoot = true,
                    RunAsUser = User,
                    RunAsGroup = User,
                    FsGroup = User,
                    SeccompProfile = new V1SeccompProfile { Type = "RuntimeDefault" },
                },
                Containers =
                [
                    new V1Container
                    {
                        Name = Names.Backup,
                        Image = spec.Image,
                        ImagePullPolicy = region.Spec.App.ImagePullPolicy,
                        Command = [PostgresArchiving.Program, .. ArgumentsOf(kind)],
                        Env = [Variable("BACKUP_REPORT", ReportFile), .. readsMember ? BuildMember(region, primary!) : [], .. BuildTarget(region, run)],
                        TerminationMessagePath = ReportFile,
                        Resources = new V1ResourceRequirements
                        {
                            Requests = new Dictionary<string, ResourceQuantity> { ["cpu"] = new("100m"), ["memory"] = new("128Mi") },
                            Limits = new Dictionary<string, ResourceQuantity> { ["memory"] = new("1Gi") },
                        },
                        SecurityContext = new V1SecurityContext
                        {
                            AllowPrivilegeEscalation = false,
                            ReadOnlyRootFilesystem = true,
                            Capabilities = new V1Capabilities { Drop = ["ALL"] },
                        },
                        VolumeMounts =
                        [
                            PostgresArchiving.BuildMount(),
                            .. repositoryMounts,
                            new V1VolumeMount { Name = "tmp", MountPath = "/tmp" },
                            .. readsMember ? [BuildCertificatesMount()] : Array.Empty<V1VolumeMount>(),
                            .. data is null
                                ? []
                                : new[]
                                {
                                    new V1VolumeMount { Name = DataVolume, MountPath = PostgresNames.DataFolder },
                                },
                        ],
                    },
                ],
                Volumes =
                [
                    PostgresArchiving.BuildVolume(
                        kind == BackupKind.Restore ? BackupRepository.RestoreSecretOf(region) : PostgresArchiving.SecretOf(region),
                        isOptional: false
                    ),
                    .. repository,
                    new V1Volume
                    {
                        Name = "tmp",
                        EmptyDir = new V1EmptyDirVolumeSource { SizeLimit = new ResourceQuantity("256Mi") },
                    },
                    .. readsMember ? [BuildCertificates(region)] : Array.Empty<V1Volume>(),
                    .. data is null ? [] : new[] { data },
                ],
            },
        };
    }

    private static V1Volume BuildCertificates(V1Alpha1ShortenerRegion region) =>
        new()
        {
            Name = CertificatesVolume,
            Secret = new V1SecretVolumeSource
            {
                SecretName = StoreCertificates.NameOf(region, PostgresNames.Component),
                DefaultMode = 0b100_100_000,
                Items = [Item(CertificateData.ServingCertificate), Item(CertificateData.ServingKey), Item(CertificateData.Bundle)],
            },
        };

    private static V1VolumeMount BuildCertificatesMount() =>
        new()
        {
            Name = CertificatesVolume,
            MountPath = PostgresNames.CertificateFolder,
            ReadOnlyProperty = true,
        };

    // A rehearsal has a volume of its own, which Kubernetes deletes with the pod. A restore fills the volume of the first member.
    private static V1Volume? BuildData(V1Alpha1ShortenerRegion region, BackupKind kind) =>
        kind switch
        {
            BackupKind.Rehearsal => new V1Volume
            {
                Name = DataVolume,
                Ephemeral = new V1EphemeralVolumeSource
                {
                    VolumeClaimTemplate = new V1PersistentVolumeClaimTemplate { Spec = PostgresResources.BuildFirstClaim(region).Spec },
                },
            },
            BackupKind.Restore => new V1Volume
            {
                Name = DataVolume,
                PersistentVolumeClaim = new V1PersistentVolumeClaimVolumeSource { ClaimName = PostgresResources.BuildFirstClaim(region).Metadata.Name },
            },
            _ => null,
        };

    private static IEnumerable<V1EnvVar> BuildTarget(V1Alpha1ShortenerRegion region, BackupRun run)
    {
        if (run.Kind != BackupKind.Restore)
            yield break;
        // A Job finds by it that the one before has done the work, although nobody saw its end.
        yield return Variable("BACKUP_RESTORE", $"{region.Metadata.Uid} {run.Digest}");
        if (region.Spec.Postgres!.Restore?.TargetTime is { } target)
            yield return Variable("BACKUP_TARGET", target.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss.ffffff'+00'", CultureInfo.InvariantCulture));
    }

    // The member that is read, through pgBackRest's server there.
    private static IEnumerable<V1EnvVar> BuildMember(V1Alpha1ShortenerRegion region, string primary) =>
        [
            Variable("PGBACKREST_PG1_HOST", $"{primary}.{PostgresNames.ServiceHostOf(region)}"),
            Variable("PGBACKREST_PG1_HOST_TYPE", "tls"),
            Variable("PGBACKREST_PG1_HOST_PORT", PostgresArchiving.Port.ToString(CultureInfo.InvariantCulture)),
            Variable("PGBACKREST_PG1_HOST_CA_FILE", $"{PostgresNames.CertificateFolder}/{CertificateData.Bundle}"),
            Variable("PGBACKREST_PG1_HOST_CERT_FILE", $"{PostgresNames.CertificateFolder}/{CertificateData.ServingCertificate}"),
            Variable("PGBACKREST_PG1_HOST_KEY_FILE", $"{PostgresNames.CertificateFolder}/{CertificateData.ServingKey}"),
        ];

    private static string[] ArgumentsOf(BackupKind kind) =>
        kind switch
        {
            BackupKind.Full => ["backup", "full"],
            BackupKind.Differential => ["backup", "diff"],
            BackupKind.Rehearsal => ["rehearse"],
            BackupKind.Restore => ["restore"],
            _ => ["inspect"],
        };

    private static string SuffixOf(BackupRun run) => $"{Names.Backup}-{Digest.Of(run.Kind.ToString(), run.Cause)[..DigestLength]}";

    private static V1EnvVar Variable(string name, string value) => new() { Name = name, Value = value };

    private static V1KeyToPath Item(string key) => new() { Key = key, Path = key };
}
