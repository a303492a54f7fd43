using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Confluent.Kafka;
using Microsoft.Extensions.Logging;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Storage.Kafka;
using UrlShortener.TestHarness.Product;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Kafka;

public sealed class KafkaConnectionTests : IDisposable
{
    private const string Password = "not to be seen";
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_ServersOnly_IsPlain()
    {
        var config = ConfigOf(new KafkaOptions());

        Assert.Equal(("a:9092", SecurityProtocol.Plaintext), (config.BootstrapServers, config.SecurityProtocol));
    }

    [Theory]
    [InlineData("PLAIN", SaslMechanism.Plain)]
    [InlineData("SCRAM-SHA-256", SaslMechanism.ScramSha256)]
    [InlineData("SCRAM-SHA-512", SaslMechanism.ScramSha512)]
    public void Read_PasswordAndTls_ChecksTheBroker(string mechanism, SaslMechanism expected)
    {
        var config = ConfigOf(
            new KafkaOptions
            {
                Tls = true,
                CaPath = Write("ca.crt", NewCertificate().Certificate),
                SaslMechanism = mechanism,
                SaslUsernamePath = Write("username", "clicks\n"),
                SaslPasswordPath = Write("password", Password + "\n"),
            }
        );

        Assert.Equal((SecurityProtocol.SaslSsl, expected), (config.SecurityProtocol, config.SaslMechanism));
        Assert.Equal(("clicks", Password), (config.SaslUsername, config.SaslPassword));
        Assert.Equal((true, SslEndpointIdentificationAlgorithm.Https), (config.EnableSslCertificateVerification, config.SslEndpointIdentificationAlgorithm));
        Assert.Equal(_folder.PathOf("ca.crt"), config.SslCaLocation);
    }

    [Fact]
    public void Read_CertificateOfTheClient_IsUsed()
    {
        var (certificate, key) = NewCertificate();

        var config = ConfigOf(
            new KafkaOptions
            {
                Tls = true,
                CertificatePath = Write("user.crt", certificate),
                KeyPath = Write("user.key", key),
            }
        );

        Assert.Equal(SecurityProtocol.Ssl, config.SecurityProtocol);
        Assert.Equal((_folder.PathOf("user.crt"), _folder.PathOf("user.key")), (config.SslCertificateLocation, config.SslKeyLocation));
    }

    [Fact]
    public void Read_ManyAuthorities_AreUsed()
    {
        var bundle = string.Join('\n', Enumerable.Repeat(NewCertificate().Certificate, 400));
        Assert.True(bundle.Length > 150_000);

        var config = ConfigOf(new KafkaOptions { Tls = true, CaPath = Write("ca.crt", bundle) });

        Assert.Equal(_folder.PathOf("ca.crt"), config.SslCaLocation);
    }

    [Fact]
    public void Read_FileChanges_IsAnotherAccess()
    {
        var options = new KafkaOptions
        {
            SaslMechanism = "SCRAM-SHA-512",
            SaslUsername = "clicks",
            SaslPasswordPath = Write("password", Password),
        };
        var connection = NewConnection(options);
        var before = connection.Read();
        Assert.Equal(before, connection.Read());

        Write("password", "another one");

        Assert.NotEqual(before, connection.Read());
    }

    [Fact]
    public void IsOutdated_FileCannotBeUsedForLong_IsNotAndSaysSoOnce()
    {
        var logger = new RecordingLogger();
        var options = new KafkaOptions { Tls = true, CaPath = Write("ca.crt", NewCertificate().Certificate) };
        var connection = NewConnection(options);
        var access = connection.Read();

        Write("ca.crt", "half of a certif");
        Assert.False(connection.IsOutdated(access, logger));
        Assert.False(connection.IsOutdated(access, logger));
        Assert.Contains("Kafka:CaPath", Assert.Single(logger.Lines), StringComparison.Ordinal);

        Write("ca.crt", NewCertificate().Certificate);
        Assert.True(connection.IsOutdated(access, logger));
    }

    [Theory]
    [InlineData("missing")]
    [InlineData("empty")]
    [InlineData("no PEM")]
    [InlineData("key of another certificate")]
    [InlineData("encrypted key")]
    public void Read_FileIsUnusable_NamesTheSettingAndNoSecret(string fault)
    {
        var (certificate, key) = NewCertificate();
        var options = new KafkaOptions
        {
            Tls = true,
            CaPath = Write("ca.crt", certificate),
            CertificatePath = Write("user.crt", certificate),
            KeyPath = Write("user.key", key),
            SaslMechanism = "PLAIN",
            SaslUsername = "clicks",
            SaslPasswordPath = Write("password", Password),
        };
        var (setting, change) = fault switch
        {
            "missing" => ("Kafka:SaslPasswordPath", () => options.SaslPasswordPath = _folder.PathOf("missing")),
            "empty" => ("Kafka:SaslPasswordPath", () => Write("password", "\n")),
            "no PEM" => ("Kafka:CaPath", () => Write("ca.crt", Password)),
            "encrypted key" => ("Kafka:KeyPath", () => Write("user.key", Encrypted())),
            _ => ("Kafka:KeyPath", (Action)(() => Write("user.key", NewCertificate().Key))),
        };
        change();

        var error = Assert.Throws<ConfigurationException>(() => NewConnection(options).Read());

        Assert.Contains(setting, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Password, error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("BEGIN", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void ToString_OfAnAccess_HasNoSecret()
    {
        var access = NewConnection(
                new KafkaOptions
                {
                    SaslMechanism = "SCRAM-SHA-512",
                    SaslUsername = "clicks",
                    SaslPassword = Password,
                }
            )
            .Read();

        Assert.Equal("Kafka at a:9092", $"{access}");
    }

    private static string Encrypted()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return key.ExportEncryptedPkcs8PrivateKeyPem(Password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1_000));
    }

    private static (string Certificate, string Key) NewCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = new CertificateRequest("CN=clicks", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        return (certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    private static ProducerConfig ConfigOf(KafkaOptions options) => KafkaProducerFactory.BuildConfig(NewConnection(options).Read());

    private static KafkaConnection NewConnection(KafkaOptions options) => new(new ConnectionOptions { Kafka = "a:9092" }, options);

    private string Write(string name, string text)
    {
        File.WriteAllText(_folder.PathOf(name), text);
        return _folder.PathOf(name);
    }

    private sealed class RecordingLogger : ILogger
    {
        public List<string> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Lines.Add(formatter(state, exception));
    }
}
