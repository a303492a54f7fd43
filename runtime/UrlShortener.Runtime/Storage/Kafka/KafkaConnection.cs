using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Confluent.Kafka;
using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Storage.Kafka;

/// <summary>The configured connection to Kafka, for every kind of client.</summary>
internal sealed class KafkaConnection(ConnectionOptions connections, KafkaOptions options)
{
    /// <summary>Reads the settings and their files.</summary>
    /// <exception cref="ConfigurationException">A file cannot be used. The message names the setting, and nothing that the file says.</exception>
    public KafkaAccess Read()
    {
        var (certificate, key) = (ReadFile(nameof(options.CertificatePath), options.CertificatePath), ReadFile(nameof(options.KeyPath), options.KeyPath));
        if (certificate is not null && key is not null)
            CheckPair(certificate, key);
        var ca = ReadFile(nameof(options.CaPath), options.CaPath);
        if (ca is not null)
            CheckCertificates(ca);
        return new KafkaAccess
        {
            Servers = connections.Kafka!,
            Tls = options.Tls,
            Ca = ca,
            Certificate = certificate,
            Key = key,
            Mechanism = options.SaslMechanism switch
            {
                "PLAIN" => SaslMechanism.Plain,
                "SCRAM-SHA-256" => SaslMechanism.ScramSha256,
                "SCRAM-SHA-512" => SaslMechanism.ScramSha512,
                _ => null,
            },
            Username = ReadFile(nameof(options.SaslUsernamePath), options.SaslUsernamePath)?.Text ?? NullIfEmpty(options.SaslUsername),
            Password = ReadFile(nameof(options.SaslPasswordPath), options.SaslPasswordPath)?.Text ?? NullIfEmpty(options.SaslPassword),
        };
    }

    /// <summary>Whether the settings or files say something else than before. Files that cannot be used do not: what was read before may still be good.</summary>
    public bool IsOutdated(KafkaAccess access, ILogger logger)
    {
        try
        {
            return Read() != access;
        }
        catch (ConfigurationException error)
        {
            KafkaLog.FilesUnusable(logger, error.Message);
            return false;
        }
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static KafkaFile? ReadFile(string setting, string? path)
    {
        if (string.IsNullOrEmpty(path))
            return null;
        var (text, problem) = ConnectionFiles.Read(path);
        return text is not null ? new KafkaFile(path, text) : throw new ConfigurationException($"Kafka:{setting}: {path} {problem}.");
    }

    private static void CheckCertificates(KafkaFile file)
    {
        var certificates = new X509Certificate2Collection();
        try
        {
            certificates.ImportFromPem(file.Text);
        }
        catch (CryptographicException error)
        {
            throw new ConfigurationException($"Kafka:{nameof(KafkaOptions.CaPath)}: {file.Path} has a certificate that cannot be read.", error);
        }

        if (certificates.Count == 0)
            throw new ConfigurationException($"Kafka:{nameof(KafkaOptions.CaPath)}: {file.Path} has no certificate in PEM format.");
        foreach (var certificate in certificates)
            certificate.Dispose();
    }

    private static void CheckPair(KafkaFile certificate, KafkaFile key)
    {
        try
        {
            using var pair = X509Certificate2.CreateFromPem(certificate.Text, key.Text);
        }
        // Also of a key that is encrypted, or not that of the certificate.
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            throw new ConfigurationException(
                $"Kafka:{nameof(KafkaOptions.CertificatePath)} and Kafka:{nameof(KafkaOptions.KeyPath)}: {certificate.Path} and {key.Path} are not a certificate "
                    + "and its unencrypted key in PEM format.",
                error
            );
        }
    }
}
