using System.ComponentModel.DataAnnotations;
using System.Text;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using UrlShortener.Runtime.Configuration;
using Xunit;

namespace UrlShortener.Runtime.Tests.Configuration;

public sealed class SettingsTests
{
    [Theory]
    [InlineData("Proxies:Trusted:0=10.0.0.0/8")]
    [InlineData("Proxies:Trusted:0=10.0.0.0/8", "AllowedHosts=*")]
    [InlineData("Proxies:Trusted:0=10.0.0.0/8", "AllowedHosts=")]
    public void FindErrors_ProxiesWithoutAName_IsRefused(params string[] settings) =>
        Assert.Contains("Links:PublicBaseUrl", Assert.Single(Settings.FindErrors(Configuration(settings))), StringComparison.Ordinal);

    [Theory]
    [InlineData("Proxies:Trusted:0=10.0.0.0/8", "AllowedHosts=sho.rt;*.sho.rt")]
    [InlineData("Proxies:Trusted:0=10.0.0.0/8", "Links:OwnHosts:0=sho.rt")]
    [InlineData("Proxies:Trusted:0=10.0.0.0/8", "Links:PublicBaseUrl=https://sho.rt")]
    [InlineData("AllowedHosts=*")]
    public void FindErrors_ProxiesWithAName_IsFine(params string[] settings) => Assert.Empty(Settings.FindErrors(Configuration(settings)));

    [Theory]
    [InlineData("Kafka:CaPath needs Kafka:Tls=true.", "Kafka:CaPath=/ca")]
    [InlineData("Kafka:CertificatePath needs Kafka:KeyPath.", "Kafka:Tls=true", "Kafka:CertificatePath=/crt")]
    [InlineData("Kafka:KeyPath needs Kafka:CertificatePath.", "Kafka:Tls=true", "Kafka:KeyPath=/key")]
    [InlineData("Kafka:SaslMechanism must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.", "Kafka:SaslMechanism=GSSAPI")]
    [InlineData("Kafka:SaslMechanism needs Kafka:SaslUsername or Kafka:SaslUsernamePath.", "Kafka:SaslMechanism=SCRAM-SHA-512", "Kafka:SaslPassword=p")]
    [InlineData("Kafka:SaslMechanism needs Kafka:SaslPassword or Kafka:SaslPasswordPath.", "Kafka:SaslMechanism=SCRAM-SHA-256", "Kafka:SaslUsername=u")]
    [InlineData("Kafka:SaslUsername needs Kafka:SaslMechanism: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.", "Kafka:SaslUsername=u")]
    [InlineData("Kafka:SaslPasswordPath needs Kafka:SaslMechanism: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.", "Kafka:SaslPasswordPath=/p")]
    [InlineData(
        "Kafka:SaslPasswordPath and Kafka:SaslPassword exclude each other: set one of them.",
        "Kafka:SaslMechanism=SCRAM-SHA-512",
        "Kafka:SaslUsername=u",
        "Kafka:SaslPassword=p",
        "Kafka:SaslPasswordPath=/p"
    )]
    [InlineData(
        "Kafka:SaslUsernamePath and Kafka:SaslUsername exclude each other: set one of them.",
        "Kafka:SaslMechanism=SCRAM-SHA-512",
        "Kafka:SaslUsername=u",
        "Kafka:SaslUsernamePath=/u",
        "Kafka:SaslPassword=p"
    )]
    [InlineData(
        "Kafka:SaslMechanism PLAIN needs Kafka:Tls=true: without TLS, everybody on the way reads the password.",
        "Kafka:SaslMechanism=PLAIN",
        "Kafka:SaslUsername=u",
        "Kafka:SaslPassword=p"
    )]
    public void FindErrors_SettingsOfKafkaThatDoNotGoTogether_IsNamed(string error, params string[] settings) => Assert.Equal([error], Find(settings));

    [Fact]
    public void FindErrors_Nothing_HasNone() => Assert.Empty(Find());

    [Fact]
    public void FindErrors_OwnSettingsFile_HasNone() =>
        Assert.Empty(Settings.FindErrors(new ConfigurationBuilder().AddJsonFile(Path.Combine(AppContext.BaseDirectory, "appsettings.json")).Build()));

    [Fact]
    public void FindErrors_EverySettingGiven_HasNone() =>
        Assert.Empty(
            Find(
                "Abuse:AllowPrivateHosts=true",
                "Abuse:BlocklistPath=/etc/blocklist",
                "Authentication:Jwt:SigningKey=" + Convert.ToBase64String(new byte[32]),
                "Authentication:Jwt:Issuer=i",
                "Authentication:Jwt:Audience=a",
                "Authentication:Jwt:EmailClaim=mail",
                "Caching:Ttl=00:01:00",
                "Caching:NegativeTtl=00:00:10",
                "Caching:StaleTtl=00:00:00",
                "Caching:Capacity=1000",
                "Clicks:QueueCapacity=1000",
                "Clicks:BatchSize=1",
                "Clicks:FlushInterval=00:00:00.1",
                "Clicks:RetentionDays=1",
                "Clicks:GeoDatabasePath=/geo.mmdb",
                "Clicks:CountryHeader=CF-IPCountry",
                "Clicks:Topic=shortener.clicks_1-a",
                "Clicks:SpoolDirectory=/var/spool/clicks",
                "Clicks:SpoolBytes=67108864",
                "Kafka:Tls=true",
                "Kafka:CaPath=/etc/kafka/ca.crt",
                "Kafka:CertificatePath=/etc/kafka/user.crt",
                "Kafka:KeyPath=/etc/kafka/user.key",
                "Kafka:SaslMechanism=PLAIN",
                "Kafka:SaslUsernamePath=/etc/kafka/username",
                "Kafka:SaslPasswordPath=/etc/kafka/password",
                "Keys:PoolSize=100",
                "Keys:LowWatermark=1",
                "Keys:BatchSize=1",
                "Links:PublicBaseUrl=https://sho.rt",
                "Links:OwnHosts:0=sho.rt",
                "Links:OwnHosts:1=www.sho.rt",
                "Links:MaxUrlLength=64",
                "Links:MaxMetadataBytes=2",
                "Links:BulkLimit=1",
                "Links:EnterpriseBulkLimit=1",
                "Proxies:Trusted:0=10.0.0.0/8",
                "Proxies:ForwardLimit=1",
                "RateLimiting:Enabled=false",
                "RateLimiting:Anonymous=1",
                "RateLimiting:Free=1",
                "RateLimiting:Pro=1",
                "RateLimiting:Enterprise=1",
                "Quotas:FreeBytes=0",
                "Quotas:ProBytes=1000000000000000",
                "RateLimiting:Capacity=1000",
                "Tracing:Endpoint=http://otel-collector:4318",
                "Tracing:Protocol=grpc",
                "Tracing:SampleRatio=0.5",
                "Tracing:Headers=Authorization=Bearer%20x",
                "Storage:DataDirectory=/data",
                "Urls=http://localhost",
                "Logging:LogLevel:Default=Debug",
                "Kestrel:Endpoints:Http:Url=http://*:80"
            )
        );

    [Theory]
    [InlineData("Chaching:Ttl=00:00:30", "Chaching is not a setting. Did you mean Caching?")]
    [InlineData("Nonsense=1", "Nonsense is not a setting.")]
    [InlineData("Caching:Tll=00:00:30", "Caching:Tll is not a setting. Did you mean Ttl?")]
    [InlineData("Authentication:Jwt:Autority=https://x", "Authentication:Jwt:Autority is not a setting. Did you mean Authority?")]
    [InlineData("RateLimiting:Free=many", "RateLimiting:Free must be a whole number, not \"many\".")]
    [InlineData("RateLimiting:Free=99999999999", "RateLimiting:Free must be a whole number, not \"99999999999\".")]
    [InlineData("RateLimiting:Free=1.5", "RateLimiting:Free must be a whole number, not \"1.5\".")]
    [InlineData("Quotas:FreeBytes=-1", "Quotas:FreeBytes must be between 0 and 1000000000000000.")]
    [InlineData("Quotas:ProBytes=10MB", "Quotas:ProBytes must be a whole number, not \"10MB\".")]
    [InlineData("Quotas:FreeByte=1", "Quotas:FreeByte is not a setting. Did you mean FreeBytes?")]
    [InlineData("RateLimiting:Enabled=yes", "RateLimiting:Enabled must be true or false, not \"yes\".")]
    [InlineData("Caching:Ttl=30s", "Caching:Ttl must be a time such as 00:00:30, not \"30s\".")]
    [InlineData("Caching:Ttl=02:00:00", "Caching:Ttl must be between 00:00:01 and 01:00:00.")]
    [InlineData("Caching:Ttl=30", "Caching:Ttl must be between 00:00:01 and 01:00:00.")]
    [InlineData("RateLimiting:Free=0", "RateLimiting:Free must be between 1 and 1000000.")]
    [InlineData("Links:PublicBaseUrl=sho.rt", "Links:PublicBaseUrl must be an absolute http or https URL, not \"sho.rt\".")]
    [InlineData("Links:PublicBaseUrl=ftp://sho.rt", "Links:PublicBaseUrl must be an absolute http or https URL, not \"ftp://sho.rt\".")]
    [InlineData("Links:PublicBaseUrl=https://sho.rt/links", "Links:PublicBaseUrl must be scheme and host only, such as https://sho.rt.")]
    [InlineData("Links:PublicBaseUrl=https://sho.rt/?x", "Links:PublicBaseUrl must be scheme and host only, such as https://sho.rt.")]
    [InlineData("Links:PublicBaseUrl=https://sho.rt/#x", "Links:PublicBaseUrl must be scheme and host only, such as https://sho.rt.")]
    [InlineData("Links:PublicBaseUrl=https://me@sho.rt", "Links:PublicBaseUrl must be scheme and host only, such as https://sho.rt.")]
    [InlineData("Links:OwnHosts=sho.rt", "Links:OwnHosts is a list; write Links:OwnHosts:0, Links:OwnHosts:1 and so on.")]
    [InlineData("Links:MaxUrlLength:0=5", "Links:MaxUrlLength is one value, not a section.")]
    [InlineData("Keys:LowWatermark=10000", "Keys:LowWatermark must be below Keys:PoolSize (10000).")]
    [InlineData("Tracing:Endpoint=collector:4318", "Tracing:Endpoint must be an absolute http or https URL, not \"collector:4318\".")]
    [InlineData("Tracing:Endpoint=ftp://collector", "Tracing:Endpoint must be an absolute http or https URL, not \"ftp://collector\".")]
    [InlineData("Tracing:Endpoint=http://collector/?key=1", "Tracing:Endpoint must not have a query or a fragment.")]
    [InlineData("Tracing:Protocol=http/json", "Tracing:Protocol must be http/protobuf or grpc, not \"http/json\".")]
    [InlineData("Tracing:SampleRatio=half", "Tracing:SampleRatio must be a number such as 0.01, not \"half\".")]
    [InlineData("Tracing:SampleRatio=NaN", "Tracing:SampleRatio must be between 0 and 1.")]
    [InlineData(
        "Tracing:Headers=a=b%0Ac",
        "Tracing:Headers must be pairs such as name=value, separated by commas, with names of HTTP headers and percent-encoded values."
    )]
    [InlineData("Tracing:TrustProxies=true", "Tracing:TrustProxies needs Proxies:Trusted, the addresses of these proxies.")]
    [InlineData("Tracing:TrustProxies=perhaps", "Tracing:TrustProxies must be true or false, not \"perhaps\".")]
    [InlineData("Tracing:Endpiont=http://collector", "Tracing:Endpiont is not a setting. Did you mean Endpoint?")]
    [InlineData("Storage:DataDirectory=", "Storage:DataDirectory is required.")]
    [InlineData("Clicks:CountryHeader=CF IPCountry", "Clicks:CountryHeader must be a header name: letters, digits and '-'.")]
    [InlineData("Authentication:Jwt:Authority=https://issuer", "Authentication:Jwt:Audience must be set when Bearer tokens are accepted.")]
    [InlineData("Clicks:Topic=a b", "Clicks:Topic must be the name of a topic: 1 to 249 letters, digits, '.', '_' and '-'.")]
    [InlineData("Clicks:SpoolBytes=1000", "Clicks:SpoolBytes must be between 67108864 and 1099511627776.")]
    [InlineData("Clicks:SpoolDirectory=", "Clicks:SpoolDirectory is required.")]
    [InlineData("ConnectionStrings:Kafka=kafka", "ConnectionStrings:Kafka cannot be read: write it as host:9092,host:9092.")]
    [InlineData("ConnectionStrings:Kafka=a:9092,b:0", "ConnectionStrings:Kafka cannot be read: write it as host:9092,host:9092.")]
    [InlineData("ConnectionStrings:Kafka=a:9092;acks=0", "ConnectionStrings:Kafka cannot be read: write it as host:9092,host:9092.")]
    [InlineData(
        "ConnectionStrings:ClickHouse=Port=8123",
        "ConnectionStrings:ClickHouse cannot be read: it names no host. Write it as Host=…;Port=8123;Username=…;Password=…;Database=…."
    )]
    [InlineData(
        "ConnectionStrings:ClickHouse=Host=x;Port=secret",
        "ConnectionStrings:ClickHouse cannot be read: Port is not a number. Write it as Host=…;Port=8123;Username=…;Password=…;Database=…."
    )]
    [InlineData(
        "ConnectionStrings:ClickHouse=Host=x",
        "ConnectionStrings:ClickHouse needs ConnectionStrings:Postgres and ConnectionStrings:Kafka, by which clicks get there."
    )]
    [InlineData(
        "ConnectionStrings:ClickHousePath=/file",
        "ConnectionStrings:ClickHousePath needs ConnectionStrings:Postgres and ConnectionStrings:Kafka, by which clicks get there."
    )]
    [InlineData("ClickHouse:Cluster=a'b", "ClickHouse:Cluster must be the name of a cluster: 1 to 100 letters, digits, '_', '.' and '-'.")]
    [InlineData("ClickHouse:ConnectTimeout=0", "ClickHouse:ConnectTimeout must be between 00:00:00.0500000 and 00:00:30.")]
    [InlineData("ClickHouse:MaxQueries=0", "ClickHouse:MaxQueries must be between 1 and 100.")]
    [InlineData("ClickHouse:QueryTimeout=00:02:00", "ClickHouse:QueryTimeout must be between 00:00:00.0500000 and 00:01:00.")]
    [InlineData("ClickHouse:QueryBytes=1000", "ClickHouse:QueryBytes must be between 16777216 and 1099511627776.")]
    [InlineData("ConnectionStrings:Postgre=Host=x", "ConnectionStrings:Postgre is not a setting. Did you mean Postgres?")]
    [InlineData(
        "ConnectionStrings:Redis=a:6379",
        "ConnectionStrings:Redis needs ConnectionStrings:Postgres: links kept in a file of one process must not be shared."
    )]
    [InlineData("Role=queen", "Role must be all, app, kgs or clicks, not \"queen\".")]
    [InlineData("Kgs:Token=short", "Kgs:Token must have at least 32 characters.")]
    public void FindErrors_OneFault_IsNamed(string setting, string error) => Assert.Equal([error], Find(setting));

    [Theory]
    [InlineData("Links:OwnHosts:0=https://sho.rt", "Links:OwnHosts has \"https://sho.rt\": ")]
    [InlineData("Proxies:Trusted:0=proxy", "Proxies:Trusted has \"proxy\", ")]
    public void FindErrors_BadEntryOfAList_IsNamed(string setting, string start) =>
        Assert.StartsWith(start, Assert.Single(Find(setting)), StringComparison.Ordinal);

    [Fact]
    public void FindErrors_FaultsEverywhere_AreAllNamed() =>
        Assert.Equal(
            ["Wrong", "Caching:Ttl", "Clicks:BatchSize", "ConnectionStrings:X", "Keys:PoolSize", "Keys:BatchSize", "RateLimiting:Fre"],
            Find("Wrong=1", "Caching:Ttl=x", "Clicks:BatchSize=0", "Keys:PoolSize=1", "Keys:BatchSize=0", "RateLimiting:Fre=1", "ConnectionStrings:X=y")
                .Select(error => error.Split(' ')[0])
        );

    [Fact]
    public void FindErrors_SettingNamesInOtherCase_AreGood() => Assert.Empty(Find("caching:TTL=00:00:10", "KEYS:poolsize=20000"));

    [Fact]
    public void FindErrors_JsonNull_IsUnset() =>
        Assert.Empty(Settings.FindErrors(Json("""{"Abuse":{"BlocklistPath":null},"Links":{"PublicBaseUrl":null},"Clicks":{"GeoDatabasePath":null}}""")));

    [Fact]
    public void FindErrors_UnknownJsonSection_IsNamed()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, """{"Catching":{"Ttl":"00:00:30"}}""");
            Assert.Equal(["Catching is not a setting. Did you mean Caching?"], Settings.FindErrors(new ConfigurationBuilder().AddJsonFile(path).Build()));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void FindErrors_EnvironmentOfOtherPrograms_IsIgnored()
    {
        var configuration = new ConfigurationBuilder().AddInMemoryCollection([new("HOME", "/root"), new("PATH", "/bin")]).Build();
        Assert.Empty(Settings.FindErrors(configuration));
    }

    [Fact]
    public void AddSettings_Values_AreBound()
    {
        var collection = new ServiceCollection();
        collection.AddSettings(
            Configuration("Links:PublicBaseUrl=https://sho.rt", "Links:OwnHosts:0=a.example", "Caching:Ttl=00:00:07", "Authentication:Jwt:Audience=x")
        );
        using var services = collection.BuildServiceProvider();

        Assert.Equal("sho.rt", services.GetRequiredService<LinkOptions>().PublicBaseUrl!.Host);
        Assert.Equal(["a.example"], services.GetRequiredService<LinkOptions>().OwnHosts);
        Assert.Equal(TimeSpan.FromSeconds(7), services.GetRequiredService<CachingOptions>().Ttl);
        Assert.Equal("x", services.GetRequiredService<AuthenticationOptions>().Jwt.Audience);
        Assert.Equal(10_000, services.GetRequiredService<KeyOptions>().PoolSize);
    }

    [Fact]
    public void Defaults_OfEveryOption_Pass()
    {
        var options = typeof(Settings)
            .Assembly.GetTypes()
            .Where(type => type.Namespace == typeof(Settings).Namespace && type.Name.EndsWith("Options", StringComparison.Ordinal))
            .ToList();

        Assert.True(options.Count >= 10);
        Assert.All(
            options,
            type =>
            {
                var results = new List<ValidationResult>();
                var instance = Activator.CreateInstance(type)!;
                Validator.TryValidateObject(instance, new ValidationContext(instance), results, validateAllProperties: true);
                Assert.Empty(results);
            }
        );
    }

    private static IReadOnlyList<string> Find(params string[] settings) => Settings.FindErrors(Configuration(settings));

    private static IConfigurationRoot Configuration(params string[] settings) =>
        new ConfigurationBuilder().AddCommandLine([.. settings.Select(setting => "--" + setting)]).Build();

    private static IConfigurationRoot Json(string json) => new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json))).Build();
}
