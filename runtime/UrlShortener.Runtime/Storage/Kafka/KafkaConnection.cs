using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Confluent.Kafka;
using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Storage.Kafka;

/// <summary>The configured connection to Kafka, for every kind of client.</summary>
internal sealed class KafkaConnection(ConnectionOptions connections, KafkaOptions options)
{
    // As many authorities as systems have, and more.
    private const int MaxAuthorityBytes = 1_048_576;
    private const int MaxFileBytes = 65_536;

    // Read last without a fault: the files are read every 2 s and hardly ever change.
    private volatile KafkaAccess? _checked;
    private volatile string? _told;

    /// <summary>Reads the settings and their files.</summary>
    /// <exception cref="ConfigurationException">A file cannot be used. The message names the setting, and nothing that the file says.</exception>
    public KafkaAccess Read()
    {
        var access = new KafkaAccess
        {
            Servers = connections.Kafka!,
            Tls = options.Tls,
            Ca = ReadFile(nameof(options.CaPath), options.CaPath, MaxAuthorityBytes),
            Certificate = ReadFile(nameof(options.CertificatePath), options.CertificatePath),
            Key = ReadFile(nameof(options.KeyPath), options.KeyPath),
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
        if (access == _checked)
            return access;
        if (access.Ca is { } ca)
            CheckCertificates(ca);
        if (access is { Certificate: { } certificate, Key: { } key })
            CheckPair(certificate, key);
        _checked = access;
        return access;
    }

    /// <summary>Whether the settings or files say something else than before. Files that cannot be used do not: what was read before may still be good.</summary>
    public bool IsOutdated(KafkaAccess access, ILogger logger)
    {
        try
        {
            var isOutdated = Read() != access;
            _told = null;
            return isOutdated;
        }
        catch (ConfigurationException error)
        {
            // Once for each fault, not at each look.
            if (_told != error.Message)
                KafkaLog.FilesUnusable(logger, error.Message);
            _told = error.Message;
            return false;
        }
    }

    private static string? NullIfEmpty(string? text) => string.IsNullOrEmpty(text) ? null : text;

    private static KafkaFile? ReadFile(string setting, string? path, int maxBytes = MaxFileBytes)
    {
        if (string.IsNullOrEmpty(path))
            return null;
        var (text, problem) = ConnectionFiles.Read(path, maxBytes);
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
