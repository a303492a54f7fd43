using System.Text.Json.Nodes;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Certificates;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.Postgres;

/// <summary>
/// What members need to archive and to be backed up: the command that archives, and pgBackRest's server beside PostgreSQL, through which a Job reads the
/// member. The configuration of pgBackRest is a Secret that the controller of backups writes. Pure.
/// </summary>
internal static class PostgresArchiving
{
    /// <summary>The program in the image that runs pgBackRest (config/images/postgres/backup.py).</summary>
    public const string Program = "shortener-backup";

    /// <summary>Port of pgBackRest's server in a member.</summary>
    public const int Port = 8432;

    /// <summary>Folder of pgBackRest's configuration in a pod.</summary>
    public const string Folder = "/etc/pgbackrest";

    /// <summary>Folder of a repository on a volume.</summary>
    public const string RepositoryFolder = "/var/lib/pgbackrest";

    /// <summary>File of pgBackRest's configuration.</summary>
    public const string ConfigFile = "pgbackrest.conf";

    /// <summary>File in a member with what the last attempt to archive said that failed. PostgreSQL itself tells only that it did.</summary>
    public const string ErrorFile = "/tmp/archive-error";

    /// <summary>Name of the database in the repository.</summary>
    public const string Stanza = "main";

    private const string Container = "pgbackrest";
    private const string Volume = "backup";
    private const string Repository = "repository";
    private const int SwitchSeconds = 60;

    /// <summary>The Secret with pgBackRest's configuration for members and backups.</summary>
    public static string SecretOf(V1Alpha1ShortenerRegion region) => Names.Of(region.Metadata.Name, $"{PostgresNames.Component}-backup");

    /// <summary>
    /// Adds the parameters of archiving. The mode is on in any case, since a change needs a restart; without backups each segment counts as archived.
    /// </summary>
    public static void AddParameters(V1Alpha1ShortenerRegion region, JsonObject parameters)
    {
        parameters["archive_mode"] = "on";
        parameters["archive_command"] = region.Spec.Postgres!.Backup is null
            ? "/bin/true"
            : $"pgbackrest --config={Folder}/{ConfigFile} --stanza={Stanza} archive-push \"%p\" 2>{ErrorFile}.new || "
                + $"{{ code=$?; cat {ErrorFile}.new >&2; mv {ErrorFile}.new {ErrorFile}; exit $code; }}";
        // Bounds what the loss of all members loses.
        parameters["archive_timeout"] = region.Spec.Postgres.Backup is null ? 0 : SwitchSeconds;
    }

    /// <summary>Adds the callback by which a new primary archives what the former one could not.</summary>
    public static void AddCallbacks(V1Alpha1ShortenerRegion region, JsonObject postgresql)
    {
        if (region.Spec.Postgres!.Backup is not null)
            postgresql["callbacks"] = new JsonObject { ["on_role_change"] = $"{Program} role-change" };
    }

    /// <summary>Adds pgBackRest to the pod of a member.</summary>
    /// <param name="region">The region.</param>
    /// <param name="pod">The pod, with the container of PostgreSQL alone.</param>
    public static void AddTo(V1Alpha1ShortenerRegion region, V1PodSpec pod)
    {
        if (region.Spec.Postgres!.Backup is not { } backup)
            return;
        var postgres = pod.Containers[0];
        pod.Volumes.Add(BuildVolume(SecretOf(region), isOptional: true));
        postgres.VolumeMounts.Add(BuildMount());
        var (volumes, mounts) = BuildRepository(backup.Repository, isReadOnly: false);
        foreach (var volume in volumes)
            pod.Volumes.Add(volume);
        foreach (var mount in mounts)
            postgres.VolumeMounts.Add(mount);
        string[] shared = [PostgresNames.DataFolder, PostgresNames.CertificateFolder, PostgresNames.SocketFolder, "/tmp", Folder, RepositoryFolder];
        pod.Containers.Add(
            new V1Container
            {
                Name = Container,
                Image = postgres.Image,
                ImagePullPolicy = postgres.ImagePullPolicy,
                Command = [Program, "serve"],
                TerminationMessagePolicy = "FallbackToLogsOnError",
                Ports =
                [
                    new V1ContainerPort
                    {
                        Name = Container,
                        ContainerPort = Port,
                        Protocol = "TCP",
                    },
                ],
                Env =
                [
                    new V1EnvVar
                    {
                        Name = "PGBACKREST_TLS_SERVER_ADDRESS",
                        ValueFrom = new V1EnvVarSource
                        {
                            FieldRef = new V1ObjectFieldSelector { ApiVersion = "v1", FieldPath = "status.podIP" },
                        },
                    },
                ],
                Resources = new V1ResourceRequirements
                {
                    Requests = new Dictionary<string, ResourceQuantity> { ["cpu"] = new("20m"), ["memory"] = new("32Mi") },
                    Limits = new Dictionary<string, ResourceQuantity> { ["memory"] = new("512Mi") },
                },
                SecurityContext = postgres.SecurityContext,
                VolumeMounts = [.. postgres.VolumeMounts.Where(mount => shared.Contains(mount.MountPath))],
            }
        );
    }

    /// <summary>Whether the pod of a member has pgBackRest, through which a backup reads it, and the volume of the repository, if it is on one.</summary>
    /// <param name="region">The region.</param>
    /// <param name="pod">The pod.</param>
    public static bool IsIn(V1Alpha1ShortenerRegion region, V1Pod pod) =>
        pod.Spec?.Containers?.Any(container => container.Name == Container) == true
        && (
            region.Spec.Postgres!.Backup!.Repository.ClaimRef is not { } claim
            || pod.Spec.Volumes?.Any(volume => volume.PersistentVolumeClaim?.ClaimName == claim.Name) == true
        );

    /// <summary>The volume of a repository and its mount; none: it is a bucket.</summary>
    /// <param name="spec">The repository.</param>
    /// <param name="isReadOnly">Whether it is only read.</param>
    public static (IReadOnlyList<V1Volume> Volumes, IReadOnlyList<V1VolumeMount> Mounts) BuildRepository(BackupRepositorySpec spec, bool isReadOnly) =>
        spec.ClaimRef is { } claim
            ? (
                [
                    new V1Volume
                    {
                        Name = Repository,
                        PersistentVolumeClaim = new V1PersistentVolumeClaimVolumeSource { ClaimName = claim.Name },
                    },
                ],
                [
                    new V1VolumeMount
                    {
                        Name = Repository,
                        MountPath = RepositoryFolder,
                        ReadOnlyProperty = isReadOnly ? true : null,
                    },
                ]
            )
            : ([], []);

    /// <summary>The volume with pgBackRest's configuration.</summary>
    /// <param name="secret">Name of the Secret.</param>
    /// <param name="isOptional">Whether the pod starts without it: the path of a repository is known only once the database is.</param>
    public static V1Volume BuildVolume(string secret, bool isOptional) =>
        new()
        {
            Name = Volume,
            Secret = new V1SecretVolumeSource
            {
                SecretName = secret,
                Optional = isOptional ? true : null,
                DefaultMode = 0b100_100_000,
            },
        };

    /// <summary>Its mount.</summary>
    public static V1VolumeMount BuildMount() =>
        new()
        {
            Name = Volume,
            MountPath = Folder,
            ReadOnlyProperty = true,
        };

    /// <summary>Pods of backups, which alone may reach pgBackRest's server.</summary>
    public static V1LabelSelector BackupPods(V1Alpha1ShortenerRegion region) => new() { MatchLabels = Labels.SelectorOf(region.Metadata.Name, Names.Backup) };

    /// <summary>The part of pgBackRest's configuration that is about the members.</summary>
    public static IEnumerable<string> BuildMemberLines(V1Alpha1ShortenerRegion region)
    {
        var name = CertificateIssuer.CommonNameOf(PostgresNames.CertificateNamesOf(region));
        yield return $"tls-server-port={Port.ToString(System.Globalization.CultureInfo.InvariantCulture)}";
        yield return $"tls-server-cert-file={PostgresNames.CertificateFolder}/{CertificateData.ServingCertificate}";
        yield return $"tls-server-key-file={PostgresNames.CertificateFolder}/{CertificateData.ServingKey}";
        yield return $"tls-server-ca-file={PostgresNames.CertificateFolder}/{CertificateData.Bundle}";
        yield return $"tls-server-auth={name}={Stanza}";
        yield return $"[{Stanza}]";
        yield return $"pg1-path={PostgresNames.DataFolder}/{PostgresNames.DataSubfolder}";
        yield return $"pg1-socket-path={PostgresNames.SocketFolder}";
        yield return $"pg1-user={PostgresNames.Superuser}";
        // One segment at a time, each with several attempts: a storage that is away is told of within a minute.
        yield return "[global:archive-push]";
        yield return "io-timeout=5";
    }
}
