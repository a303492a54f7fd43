using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Runtime.Configuration;

/// <summary>
/// Section <c>Kafka</c>: how clients prove themselves to the brokers of <c>ConnectionStrings:Kafka</c>, and the brokers to them. Files are read again every 2 s:
/// what they say then is used for new connections, without a restart.
/// </summary>
internal sealed class KafkaOptions : IValidatableObject
{
    /// <summary>Whether connections use TLS. The name of the broker must be in its certificate. Default false.</summary>
    public bool Tls { get; set; }

    /// <summary>File with the certificates of the brokers' authorities (PEM). Unset: those of the system.</summary>
    public string? CaPath { get; set; }

    /// <summary>File with the client's certificate (PEM), and the certificates of authorities between. Unset: the client has none.</summary>
    public string? CertificatePath { get; set; }

    /// <summary>File with the key of <see cref="CertificatePath"/> (PEM, not encrypted).</summary>
    public string? KeyPath { get; set; }

    /// <summary>How the client proves who it is: <c>PLAIN</c>, <c>SCRAM-SHA-256</c> or <c>SCRAM-SHA-512</c>. Unset: not by a password.</summary>
    [RegularExpression("^(PLAIN|SCRAM-SHA-256|SCRAM-SHA-512)$", ErrorMessage = "must be PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.")]
    public string? SaslMechanism { get; set; }

    /// <summary>Name of the user.</summary>
    public string? SaslUsername { get; set; }

    /// <summary>File with the name of the user, instead of <see cref="SaslUsername"/>.</summary>
    public string? SaslUsernamePath { get; set; }

    /// <summary>Password of the user. A secret.</summary>
    public string? SaslPassword { get; set; }

    /// <summary>File with the password of the user, instead of <see cref="SaslPassword"/>.</summary>
    public string? SaslPasswordPath { get; set; }

    /// <inheritdoc />
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (var (name, value) in new[] { (nameof(CaPath), CaPath), (nameof(CertificatePath), CertificatePath), (nameof(KeyPath), KeyPath) })
        {
            if (IsSet(value) && !Tls)
                yield return new ValidationResult("needs Kafka:Tls=true.", [name]);
        }

        if (IsSet(CertificatePath) != IsSet(KeyPath))
        {
            var (given, missing) = IsSet(CertificatePath) ? (nameof(CertificatePath), nameof(KeyPath)) : (nameof(KeyPath), nameof(CertificatePath));
            yield return new ValidationResult($"needs Kafka:{missing}.", [given]);
        }

        if (IsSet(SaslUsername) && IsSet(SaslUsernamePath))
            yield return new ValidationResult("and Kafka:SaslUsername exclude each other: set one of them.", [nameof(SaslUsernamePath)]);
        if (IsSet(SaslPassword) && IsSet(SaslPasswordPath))
            yield return new ValidationResult("and Kafka:SaslPassword exclude each other: set one of them.", [nameof(SaslPasswordPath)]);

        (string Name, string? Value)[] credentials =
        [
            (nameof(SaslUsername), SaslUsername),
            (nameof(SaslUsernamePath), SaslUsernamePath),
            (nameof(SaslPassword), SaslPassword),
            (nameof(SaslPasswordPath), SaslPasswordPath),
        ];
        if (!IsSet(SaslMechanism))
        {
            foreach (var (name, _) in credentials.Where(given => IsSet(given.Value)))
                yield return new ValidationResult("needs Kafka:SaslMechanism: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512.", [name]);
            yield break;
        }

        if (!IsSet(SaslUsername) && !IsSet(SaslUsernamePath))
            yield return new ValidationResult("needs Kafka:SaslUsername or Kafka:SaslUsernamePath.", [nameof(SaslMechanism)]);
        if (!IsSet(SaslPassword) && !IsSet(SaslPasswordPath))
            yield return new ValidationResult("needs Kafka:SaslPassword or Kafka:SaslPasswordPath.", [nameof(SaslMechanism)]);
        if (SaslMechanism == "PLAIN" && !Tls)
            yield return new ValidationResult("PLAIN needs Kafka:Tls=true: without TLS, everybody on the way reads the password.", [nameof(SaslMechanism)]);
    }

    private static bool IsSet(string? value) => !string.IsNullOrEmpty(value);
}
