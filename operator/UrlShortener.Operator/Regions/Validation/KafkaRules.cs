using System.Globalization;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Regions.Validation;

/// <summary>The rules of <c>spec.kafka</c>.</summary>
internal static class KafkaRules
{
    private const decimal LeastSpool = 64m * 1_048_576;
    private const decimal MostSpool = 1_099_511_627_776;
    private const int MostPort = 65_535;

    /// <summary>All problems.</summary>
    public static IEnumerable<SpecProblem> Check(KafkaSpec? kafka)
    {
        if (kafka is null)
            yield break;
        foreach (var (index, server) in kafka.BootstrapServers.Index())
        {
            if (int.TryParse(server[(server.LastIndexOf(':') + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port > MostPort)
                yield return new($"spec.kafka.bootstrapServers[{index}]", $"is {server}, and ports end at {MostPort}. Write it as host:9092.");
        }

        if (kafka.CaSecretRef is not null && !kafka.Tls)
            yield return new("spec.kafka.caSecretRef", "is set, and spec.kafka.tls is not true. Set it to true: authorities are for TLS.");
        if (kafka.CertificateSecretRef is not null && !kafka.Tls)
            yield return new("spec.kafka.certificateSecretRef", "is set, and spec.kafka.tls is not true. Set it to true: certificates are for TLS.");
        if (kafka.Mechanism is null != kafka.CredentialsSecretRef is null)
            yield return new(
                "spec.kafka.credentialsSecretRef",
                kafka.Mechanism is null
                    ? "is set, and spec.kafka.mechanism is not. Set it to PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512."
                    : $"is missing. Set it to the Secret with the password: spec.kafka.mechanism is {kafka.Mechanism}."
            );
        if (kafka.Mechanism is null != kafka.Username is null)
            yield return new(
                "spec.kafka.username",
                kafka.Mechanism is null
                    ? "is set, and spec.kafka.mechanism is not. Set it to PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512."
                    : $"is missing. Set it to the user of the password: spec.kafka.mechanism is {kafka.Mechanism}."
            );
        if (kafka is { Mechanism: "PLAIN", Tls: false })
            yield return new(
                "spec.kafka.mechanism",
                "is PLAIN, and spec.kafka.tls is not true: everybody on the way would read the password. Set tls to true."
            );
        if (kafka.SpoolSize.ToDecimal() is < LeastSpool or > MostSpool)
            yield return new("spec.kafka.spoolSize", $"is {kafka.SpoolSize}. Set it to 64Mi to 1Ti.");
    }

    /// <summary>Warnings; sentences.</summary>
    public static IEnumerable<string> Warnings(KafkaSpec? kafka)
    {
        if (kafka is { BootstrapServers.Count: 0 })
            yield return "spec.kafka.bootstrapServers is empty, and so spec.kafka has no effect. Name the brokers as host:9092.";
    }
}
