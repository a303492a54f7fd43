namespace UrlShortener.Contracts;

/// <summary>Settings of the runtime that the operator sets in its pods, or keeps for itself. A test of the runtime holds that each of them is one.</summary>
public static class SettingNames
{
    /// <summary>What the process does: one of <see cref="RoleNames"/>.</summary>
    public const string Role = "Role";

    /// <summary>Addresses that the process listens on.</summary>
    public const string Urls = "Urls";

    /// <summary>Port of metrics, probes and key generation.</summary>
    public const string ManagementPort = "Management:Port";

    /// <summary>Name of the region.</summary>
    public const string RegionName = "Region:Name";

    /// <summary>Connection string of PostgreSQL.</summary>
    public const string Postgres = "ConnectionStrings:Postgres";

    /// <summary>Connection string of Redis.</summary>
    public const string Redis = "ConnectionStrings:Redis";

    /// <summary>Connection string of ClickHouse.</summary>
    public const string ClickHouse = "ConnectionStrings:ClickHouse";

    /// <summary>File with the connection string of ClickHouse.</summary>
    public const string ClickHousePath = "ConnectionStrings:ClickHousePath";

    /// <summary>File with the authorities of ClickHouse.</summary>
    public const string ClickHouseCaPath = "ClickHouse:CaPath";

    /// <summary>Whether loaders bring the tables of ClickHouse up to date.</summary>
    public const string ClickHouseMigrateOnStart = "ClickHouse:MigrateOnStart";

    /// <summary>File with the connection string of PostgreSQL.</summary>
    public const string PostgresPath = "ConnectionStrings:PostgresPath";

    /// <summary>File with the connection string of Redis.</summary>
    public const string RedisPath = "ConnectionStrings:RedisPath";

    /// <summary>File with the certificate authorities of Redis.</summary>
    public const string RedisCertificateAuthorityPath = "Redis:CertificateAuthorityPath";

    /// <summary>Brokers that get click events.</summary>
    public const string Kafka = "ConnectionStrings:Kafka";

    /// <summary>Whether connections to Kafka use TLS.</summary>
    public const string KafkaTls = "Kafka:Tls";

    /// <summary>File with the authorities of the brokers.</summary>
    public const string KafkaCaPath = "Kafka:CaPath";

    /// <summary>File with the client's certificate.</summary>
    public const string KafkaCertificatePath = "Kafka:CertificatePath";

    /// <summary>File with the key of that certificate.</summary>
    public const string KafkaKeyPath = "Kafka:KeyPath";

    /// <summary>How the client proves who it is by a password.</summary>
    public const string KafkaMechanism = "Kafka:SaslMechanism";

    /// <summary>The user of the password.</summary>
    public const string KafkaUsername = "Kafka:SaslUsername";

    /// <summary>File with the password.</summary>
    public const string KafkaPasswordPath = "Kafka:SaslPasswordPath";

    /// <summary>Topic of click events.</summary>
    public const string ClickTopic = "Clicks:Topic";

    /// <summary>Folder in which click events wait.</summary>
    public const string SpoolDirectory = "Clicks:SpoolDirectory";

    /// <summary>Most bytes of that folder.</summary>
    public const string SpoolBytes = "Clicks:SpoolBytes";

    /// <summary>Base of short URLs.</summary>
    public const string PublicBaseUrl = "Links:PublicBaseUrl";

    /// <summary>Host names of short URLs, a list.</summary>
    public const string OwnHosts = "Links:OwnHosts";

    /// <summary>File with blocked hosts.</summary>
    public const string BlocklistPath = "Abuse:BlocklistPath";

    /// <summary>How long a process serves on after it was told to stop.</summary>
    public const string DrainDelay = "Shutdown:DrainDelay";

    /// <summary>Secret that signs tokens of users.</summary>
    public const string SigningKey = "Authentication:Jwt:SigningKey";

    /// <summary>Headers for the collector of traces, secret.</summary>
    public const string TracingHeaders = "Tracing:Headers";

    /// <summary>Codes that an app takes from the region's pool at once.</summary>
    public const string KeyBatchSize = "Keys:BatchSize";

    /// <summary>Secret that callers of the key generation service send.</summary>
    public const string KgsToken = "Kgs:Token";

    /// <summary>Codes that the region's pool is filled to.</summary>
    public const string KgsTargetLevel = "Kgs:TargetLevel";

    /// <summary>Level below which the pool is filled.</summary>
    public const string KgsLowWatermark = "Kgs:LowWatermark";

    /// <summary>Level below which the speed has no limit.</summary>
    public const string KgsCriticalWatermark = "Kgs:CriticalWatermark";

    /// <summary>Codes claimed in one statement.</summary>
    public const string KgsBatchSize = "Kgs:BatchSize";

    /// <summary>Batches under way at the same time in one process.</summary>
    public const string KgsWorkers = "Kgs:Workers";

    /// <summary>Most codes generated per second by one process.</summary>
    public const string KgsMaxKeysPerSecond = "Kgs:MaxKeysPerSecond";
}
