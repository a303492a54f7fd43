using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>A bucket of a storage with the S3 interface, over TLS, or a volume.</summary>
[Rule(
    "has(self.claimRef) ? !has(self.endpoint) && !has(self.bucket) : has(self.endpoint) && has(self.bucket) && has(self.secretRef)",
    "set either claimRef, or endpoint, bucket and secretRef"
)]
internal sealed record BackupRepositorySpec
{
    /// <summary>Host of the storage, with an optional port.</summary>
    [Description("Host name of the S3 storage, with an optional port, such as s3.eu-central-1.amazonaws.com. Connections use TLS.")]
    [Length(1, 253)]
    [RegularExpression("^[a-z0-9]([-a-z0-9.]*[a-z0-9])?(:[0-9]{1,5})?$")]
    public string? Endpoint { get; init; }

    /// <summary>The bucket.</summary>
    [Description("Name of the bucket. It must exist.")]
    [Length(3, 63)]
    [RegularExpression("^[a-z0-9][-a-z0-9.]*[a-z0-9]$")]
    public string? Bucket { get; init; }

    /// <summary>Region of the storage.</summary>
    [Description("Region of the storage, which is part of each signature.")]
    [Length(1, 63)]
    [RegularExpression("^[-a-z0-9]+$")]
    public string Region { get; init; } = "us-east-1";

    /// <summary>Whether the bucket is a part of the path.</summary>
    [Description("true: the bucket is a part of the path, as most servers other than Amazon's expect. false: it is a part of the host name.")]
    public bool PathStyle { get; init; } = true;

    /// <summary>The Secret with the key.</summary>
    [Description(
        "Required with endpoint: Secret with keys accessKeyId and secretAccessKey; optionally ca.crt, the authorities that sign the storage's certificate, and passphrase, with which "
            + "pgBackRest encrypts everything. Without the passphrase nobody can restore. A changed key is taken without a restart; passphrase must not change. "
            + "With claimRef only passphrase is read."
    )]
    public ObjectName? SecretRef { get; init; }

    /// <summary>The PersistentVolumeClaim in place of a bucket.</summary>
    [Description(
        "PersistentVolumeClaim that has the repository, in place of endpoint and bucket. All members and Jobs mount it: it needs the access mode ReadWriteMany, unless "
            + "all of them run on one node. It must exist. Choose a storage that does not fail together with the members' volumes."
    )]
    public ObjectName? ClaimRef { get; init; }
}
