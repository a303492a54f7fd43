using Confluent.Kafka;

namespace UrlShortener.Runtime.Storage.Kafka;

/// <summary>
/// Where the brokers are, and how a client and they prove themselves to each other, as read at one moment. Two with the same contents are equal: a client whose
/// access is no longer the same is to be replaced.
/// </summary>
internal sealed record KafkaAccess
{
    /// <summary>Servers to begin with.</summary>
    public required string Servers { get; init; }

    /// <summary>Whether connections use TLS.</summary>
    public bool Tls { get; init; }

    /// <summary>Authorities of the brokers; null: those of the system.</summary>
    public KafkaFile? Ca { get; init; }

    /// <summary>The client's certificate; null: it has none.</summary>
    public KafkaFile? Certificate { get; init; }

    /// <summary>Its key.</summary>
    public KafkaFile? Key { get; init; }

    /// <summary>How the client proves who it is; null: not by a password.</summary>
    public SaslMechanism? Mechanism { get; init; }

    /// <summary>Name of the user.</summary>
    public string? Username { get; init; }

    /// <summary>The user's password.</summary>
    public string? Password { get; init; }

    /// <summary>Sets what a producer, a consumer and an administrator's client have in common.</summary>
    public void ApplyTo(ClientConfig config)
    {
        config.BootstrapServers = Servers;
        config.SecurityProtocol = (Tls, Mechanism) switch
        {
            (true, null) => SecurityProtocol.Ssl,
            (true, _) => SecurityProtocol.SaslSsl,
            (false, null) => SecurityProtocol.Plaintext,
            (false, _) => SecurityProtocol.SaslPlaintext,
        };
        if (Tls)
        {
            config.EnableSslCertificateVerification = true;
            config.SslEndpointIdentificationAlgorithm = SslEndpointIdentificationAlgorithm.Https;
            // By path: the client sends the authorities between from a file.
            config.SslCaLocation = Ca?.Path;
            config.SslCertificateLocation = Certificate?.Path;
            config.SslKeyLocation = Key?.Path;
        }

        if (Mechanism is null)
            return;
        config.SaslMechanism = Mechanism;
        config.SaslUsername = Username;
        config.SaslPassword = Password;
    }

    /// <summary>Names the servers, and no secret.</summary>
    public override string ToString() => $"Kafka at {Servers}";
}

/// <summary>A file, and what it says.</summary>
/// <param name="Path">Where it is.</param>
/// <param name="Text">Its text. May be a secret.</param>
internal sealed record KafkaFile(string Path, string Text)
{
    /// <summary>Names the file, and nothing of its text.</summary>
    public override string ToString() => Path;
}
