using System.Globalization;
using k8s.Models;
using UrlShortener.Operator.Backups;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.Tests.Backups;

/// <summary>A region with backups, and Jobs and pods of it.</summary>
internal static class BackupSamples
{
    public const string Image = "localhost/postgres:17";

    public static readonly DateTimeOffset Now = new(2030, 1, 31, 12, 0, 0, TimeSpan.Zero);

    public static V1Alpha1ShortenerRegion Region(string endpoint = "s3.example") =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Name = "eu",
                NamespaceProperty = "shop",
                Uid = "11111111-0000",
                Generation = 1,
            },
            Spec = new RegionSpec
            {
                Region = "eu",
                Postgres = new PostgresSpec
                {
                    Image = Image,
                    Backup = new BackupSpec
                    {
                        Repository = new BackupRepositorySpec
                        {
                            Endpoint = endpoint,
                            Bucket = "backups",
                            SecretRef = new ObjectName { Name = "storage" },
                        },
                    },
                },
            },
            Status = new RegionStatus
            {
                Postgres = new PostgresStatus { SystemIdentifier = "7713", Primary = "eu-postgres-0" },
            },
        };

    public static V1Pod Primary() =>
        new() { Spec = new V1PodSpec { Containers = [new V1Container { Name = "postgres" }, new V1Container { Name = "pgbackrest" }] } };

    public static V1Job Job(
        string name,
        string? end = null,
        string created = "2030-01-31T11:00:00Z",
        DateTimeOffset? ended = null,
        BackupKind kind = BackupKind.Full,
        string image = Image
    ) =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Name = name,
                CreationTimestamp = Time(created),
                Labels = new Dictionary<string, string> { [BackupResources.KindLabel] = kind.ToString() },
            },
            Spec = new V1JobSpec
            {
                Template = new V1PodTemplateSpec { Spec = new V1PodSpec { Containers = [new V1Container { Name = "backup", Image = image }] } },
            },
            Status = new V1JobStatus
            {
                Conditions = end is null
                    ? null
                    :
                    [
                        new V1JobCondition
                        {
                            Type = end,
                            Status = "True",
                            LastTransitionTime = (ended ?? Now.AddMinutes(-30)).UtcDateTime,
                            Reason = "BackoffLimitExceeded",
                            Message = "Job has reached the specified backoff limit",
                        },
                    ],
            },
        };

    /// <summary>The pod of a Job, whose container waits for a reason, or has started.</summary>
    public static V1Pod Pod(string job, string? waits = null, string? message = null) =>
        new()
        {
            Metadata = new V1ObjectMeta
            {
                Name = $"{job}-abcde",
                OwnerReferences =
                [
                    new V1OwnerReference
                    {
                        Kind = "Job",
                        Name = job,
                        Controller = true,
                    },
                ],
            },
            Status = new V1PodStatus
            {
                Phase = waits is null ? "Running" : "Pending",
                ContainerStatuses =
                [
                    new V1ContainerStatus
                    {
                        Name = "backup",
                        State = waits is null
                            ? new V1ContainerState { Running = new V1ContainerStateRunning() }
                            : new V1ContainerState
                            {
                                Waiting = new V1ContainerStateWaiting { Reason = waits, Message = message },
                            },
                    },
                ],
            },
        };

    public static DateTime Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture).UtcDateTime;
}
