using System.Globalization;
using System.Text;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Postgres;

namespace UrlShortener.Operator.Backups;

/// <summary>The repository of a region and pgBackRest's configuration for it. Pure.</summary>
internal static class BackupRepository
{
    private const string AccessKey = "accessKeyId";
    private const string SecretKey = "secretAccessKey";
    private const string Authorities = "ca.crt";
    private const string Passphrase = "passphrase";

    // Hexadecimal digits.
    private const int CheckLength = 4;
    private const string BackupSuffix = $"{PostgresNames.Component}-backup";
    private const string RestoreSuffix = $"{PostgresNames.Component}-restore";
    private const string PassphraseOption = "repo1-cipher-pass=";
    private const int IdentityLength = 8;

    /// <summary>
    /// The path of the region's repository; null: the database is not known yet. It has the identifiers of the database and of the region, so that two databases
    /// never write to one archive: not a new one under an old name, and not a copy beside its original.
    /// </summary>
    public static string? PathOf(V1Alpha1ShortenerRegion region) =>
        region.Status?.Postgres?.SystemIdentifier is { Length: > 0 } system
            ? $"/{region.Metadata.NamespaceProperty}/{region.Metadata.Name}/{system}-{region.Metadata.Uid[..Math.Min(IdentityLength, region.Metadata.Uid.Length)]}"
            : null;

    /// <summary>The repository in words: bucket or claim, and path.</summary>
    public static string DescribeOf(V1Alpha1ShortenerRegion region)
    {
        var spec = region.Spec.Postgres!.Backup!.Repository;
        return spec.ClaimRef is { } claim ? $"volume://{claim.Name}{PathOf(region)}" : $"s3://{spec.Bucket}{PathOf(region)}";
    }

    /// <summary>The repository with its storage: two storages may have buckets of one name.</summary>
    public static string PlaceOf(V1Alpha1ShortenerRegion region) => $"{region.Spec.Postgres!.Backup!.Repository.Endpoint} {DescribeOf(region)}";

    /// <summary>What to do about a Secret that is missing.</summary>
    /// <param name="spec">The repository.</param>
    public static string AdviceOf(BackupRepositorySpec spec) =>
        spec.ClaimRef is null ? $"Create it with keys {AccessKey} and {SecretKey}." : $"Create it with key {Passphrase}, or remove secretRef.";

    /// <summary>What a Secret lacks or has in a form that pgBackRest cannot take; null: it is complete.</summary>
    /// <param name="spec">The repository.</param>
    /// <param name="data">The values.</param>
    public static string? FindProblem(BackupRepositorySpec spec, IDictionary<string, byte[]> data)
    {
        // Of a repository on a volume the Secret is there for the passphrase alone: without it, everything would be written unencrypted.
        foreach (var key in spec.ClaimRef is null ? (string[])[AccessKey, SecretKey] : [Passphrase])
        {
            if (!data.TryGetValue(key, out var value) || value.Length == 0)
                return $"has no key {key}. Add it{(spec.ClaimRef is null ? "" : ", or remove secretRef")}";
        }

        return data.TryGetValue(Passphrase, out var passphrase) && passphrase.Length == 0 ? $"has an empty {Passphrase}. Set it, or remove it"
            : data.Any(entry => entry.Key is AccessKey or SecretKey or Passphrase && Text(entry.Value).Any(char.IsControl))
                ? $"has a line break or another control character in {AccessKey}, {SecretKey} or {Passphrase}. Remove it"
            : null;
    }

    /// <summary>
    /// Whether another passphrase would take the place of the one with which a repository was created. pgBackRest could no longer write to it or read it, and the
    /// former passphrase may be nowhere else.
    /// </summary>
    /// <param name="region">The region.</param>
    /// <param name="live">The Secret with the configuration as it is; null: there is none.</param>
    /// <param name="wanted">As it is to be.</param>
    public static bool ChangesPassphrase(V1Alpha1ShortenerRegion region, V1Secret? live, V1Secret wanted) =>
        BackupPlan.IsAbout(region)
        && region.Status?.Backup is { LastBackup: not null } status
        && (Keeps(live) ? PassphraseOf(live!) != PassphraseOf(wanted) : status.PassphraseCheck is { } check && check != CheckOf(region, wanted));

    /// <summary>Whether a Secret has the passphrase of the repository: as the operator wrote it, and not as somebody else did.</summary>
    /// <param name="live">The Secret with the configuration as it is; null: there is none.</param>
    public static bool Keeps(V1Secret? live) =>
        live?.Data?.ContainsKey(PostgresArchiving.ConfigFile) == true && Labels.AnnotationOf(live.Metadata, Labels.AppliedDigest) == DigestOf(live);

    /// <summary>
    /// What tells another passphrase if no Secret has the former one any more. Too short to find a passphrase by it, and of each repository another one.
    /// </summary>
    /// <param name="region">The region.</param>
    /// <param name="secret">The Secret with the configuration.</param>
    public static string CheckOf(V1Alpha1ShortenerRegion region, V1Secret secret) => Digest.Of(PlaceOf(region), PassphraseOf(secret) ?? "")[..CheckLength];

    private static string? PassphraseOf(V1Secret secret) =>
        Text(secret.Data[PostgresArchiving.ConfigFile]).Split('\n').FirstOrDefault(line => line.StartsWith(PassphraseOption, StringComparison.Ordinal));

    private static string DigestOf(V1Secret secret) =>
        Digest.Of(secret.Data.OrderBy(file => file.Key, StringComparer.Ordinal).SelectMany(file => new[] { file.Key, Convert.ToHexString(file.Value) }));

    /// <summary>The Secret with pgBackRest's configuration, for members and backups.</summary>
    /// <param name="region">The region.</param>
    /// <param name="data">The values of the user's Secret.</param>
    public static V1Secret BuildConfiguration(V1Alpha1ShortenerRegion region, IDictionary<string, byte[]> data)
    {
        var backup = region.Spec.Postgres!.Backup!;
        List<string> lines =
        [
            .. BuildLines(backup.Repository, PathOf(region)!, data),
            string.Create(CultureInfo.InvariantCulture, $"repo1-retention-full={backup.KeepFull}"),
            .. PostgresArchiving.BuildMemberLines(region),
        ];
        return Build(region, BackupSuffix, lines, data);
    }

    /// <summary>The Secret with pgBackRest's configuration for the restore from which a database begins.</summary>
    /// <param name="region">The region.</param>
    /// <param name="data">The values of the user's Secret.</param>
    public static V1Secret BuildRestoreConfiguration(V1Alpha1ShortenerRegion region, IDictionary<string, byte[]> data)
    {
        var restore = region.Spec.Postgres!.Restore!;
        List<string> lines =
        [
            .. BuildLines(restore.Repository, restore.Path, data),
            $"[{PostgresArchiving.Stanza}]",
            $"pg1-path={PostgresNames.DataFolder}/{PostgresNames.DataSubfolder}",
        ];
        return Build(region, RestoreSuffix, lines, data);
    }

    /// <summary>Name of that Secret.</summary>
    public static string RestoreSecretOf(V1Alpha1ShortenerRegion region) => Names.Of(region.Metadata.Name, RestoreSuffix);

    /// <summary>The Secret of <see cref="BuildConfiguration"/> without the key of the storage, once the region asks for no backups.</summary>
    /// <param name="region">The region.</param>
    public static V1Secret BuildEmpty(V1Alpha1ShortenerRegion region) => BuildEmpty(region, BackupSuffix);

    /// <summary>The Secret of <see cref="BuildRestoreConfiguration"/> without the key of the storage, once the database is there.</summary>
    /// <param name="region">The region.</param>
    public static V1Secret BuildEmptyRestore(V1Alpha1ShortenerRegion region) => BuildEmpty(region, RestoreSuffix);

    private static V1Secret BuildEmpty(V1Alpha1ShortenerRegion region, string suffix) =>
        new()
        {
            Metadata = Owned.Metadata(region, suffix, PostgresNames.Component),
            Type = "Opaque",
            Data = new Dictionary<string, byte[]>(),
        };

    private static V1Secret Build(V1Alpha1ShortenerRegion region, string suffix, IEnumerable<string> lines, IDictionary<string, byte[]> data)
    {
        var files = new Dictionary<string, byte[]> { [PostgresArchiving.ConfigFile] = Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n") };
        if (data.TryGetValue(Authorities, out var authorities))
            files[Authorities] = authorities;
        var secret = new V1Secret
        {
            Metadata = Owned.Metadata(region, suffix, PostgresNames.Component),
            Type = "Opaque",
            Data = files,
        };
        secret.Metadata.Annotations = new Dictionary<string, string> { [Labels.AppliedDigest] = DigestOf(secret) };
        return secret;
    }

    private static IEnumerable<string> BuildLines(BackupRepositorySpec spec, string path, IDictionary<string, byte[]> data)
    {
        yield return "[global]";
        foreach (
            var line in spec.ClaimRef is null
                ? BuildBucketLines(spec, path, data)
                : ["repo1-type=posix", $"repo1-path={PostgresArchiving.RepositoryFolder}{path}"]
        )
            yield return line;
        if (data.TryGetValue(Passphrase, out var passphrase))
        {
            yield return "repo1-cipher-type=aes-256-cbc";
            yield return $"{PassphraseOption}{Text(passphrase)}";
        }

        yield return "repo1-bundle=y";
        yield return "compress-type=lz4";
        yield return "log-level-file=off";
        // The root file system is read-only.
        yield return "spool-path=/tmp/spool";
        // pgBackRest's defaults wait for minutes when the storage is away. A database query is the start of a backup, which waits for a checkpoint.
        yield return "io-timeout=10";
        yield return "db-timeout=300";
        yield return "protocol-timeout=330";
        yield return "archive-timeout=120";
    }

    private static IEnumerable<string> BuildBucketLines(BackupRepositorySpec spec, string path, IDictionary<string, byte[]> data)
    {
        var endpoint = spec.Endpoint!.Split(':');
        yield return "repo1-type=s3";
        yield return $"repo1-path={path}";
        yield return $"repo1-s3-endpoint={endpoint[0]}";
        if (endpoint.Length > 1)
            yield return $"repo1-storage-port={endpoint[1]}";
        yield return $"repo1-s3-uri-style={(spec.PathStyle ? "path" : "host")}";
        yield return $"repo1-s3-region={spec.Region}";
        yield return $"repo1-s3-bucket={spec.Bucket}";
        yield return $"repo1-s3-key={Text(data[AccessKey])}";
        yield return $"repo1-s3-key-secret={Text(data[SecretKey])}";
        if (data.ContainsKey(Authorities))
            yield return $"repo1-storage-ca-file={PostgresArchiving.Folder}/{Authorities}";
    }

    private static string Text(byte[] value) => Encoding.UTF8.GetString(value);
}
