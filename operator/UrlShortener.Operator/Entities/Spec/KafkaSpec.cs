using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>Kafka that clicks are published to.</summary>
internal sealed record KafkaSpec
{
    /// <summary>Brokers to begin with.</summary>
    [Description("Brokers that a client begins with, each host:port.")]
    [Required]
    [Length(1, 16)]
    [Each(3, 260, Pattern = Patterns.HostAndPort)]
    [ListSet]
    public IReadOnlyList<string> BootstrapServers { get; init; } = [];

    /// <summary>How the connection is secured.</summary>
    [Description("How the connection is secured.")]
    [OneOf("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")]
    public string SecurityProtocol { get; init; } = "SASL_SSL";

    /// <summary>Null: none are needed.</summary>
    [Description("Secret with username, password and sasl.mechanism. Absent: none are needed.")]
    public ObjectName? CredentialsSecretRef { get; init; }

    /// <summary>Whether the region is unready without it.</summary>
    [Description("Whether the region counts as unready while Kafka is away. false: it is degraded, and nothing fails over.")]
    public bool Required { get; init; }
}
