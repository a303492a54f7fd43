namespace UrlShortener.Runtime.Configuration;

/// <summary>The servers named in the configuration. Read once; decides which components the process has.</summary>
/// <param name="HasPostgres">False: the store is a SQLite file of this process.</param>
/// <param name="HasRedis">False: processes share only the store.</param>
/// <param name="HasKafka">False: clicks go to the store alone.</param>
/// <param name="HasClickHouse">False: the store answers statistics.</param>
internal sealed record ConfiguredServers(bool HasPostgres, bool HasRedis, bool HasKafka = false, bool HasClickHouse = false)
{
    /// <summary>The servers that have a connection string, or a file for one.</summary>
    public static ConfiguredServers Of(IConfiguration configuration) =>
        new(
            HasPostgres: !string.IsNullOrEmpty(configuration.GetConnectionString("Postgres")),
            HasRedis: !string.IsNullOrEmpty(configuration.GetConnectionString("Redis")),
            HasKafka: !string.IsNullOrEmpty(configuration.GetConnectionString("Kafka")),
            HasClickHouse: !string.IsNullOrEmpty(configuration.GetConnectionString("ClickHouse"))
                || !string.IsNullOrEmpty(configuration.GetConnectionString("ClickHousePath"))
        );
}
