using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using k8s.Models;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>The Kafka that gets an event for each click.</summary>
[Rule("!has(self.caSecretRef) || self.tls", "kafka.caSecretRef needs kafka.tls: true")]
[Rule("!has(self.certificateSecretRef) || self.tls", "kafka.certificateSecretRef needs kafka.tls: true")]
[Rule("has(self.mechanism) == has(self.credentialsSecretRef)", "set both kafka.mechanism and kafka.credentialsSecretRef, or neither")]
[Rule("has(self.mechanism) == has(self.username)", "set both kafka.mechanism and kafka.username, or neither")]
[Rule("!has(self.mechanism) || self.mechanism != 'PLAIN' || self.tls", "kafka.mechanism PLAIN needs kafka.tls: true")]
internal sealed record KafkaSpec
{
    /// <summary>Servers to begin with; empty: none, as in objects of an earlier version, which had other fields here.</summary>
    [Description("Brokers to begin with, as host:port. Without any, the region sends no click events.")]
    [Length(0, 16)]
    [ListSet]
    [Each(3, 260, Pattern = Patterns.HostAndPort)]
    public IReadOnlyList<string> BootstrapServers { get; init; } = [];

    /// <summary>The topic.</summary>
    [Description("Topic of the click events. It must exist: nobody creates it.")]
    [Length(1, 249)]
    [RegularExpression("^[A-Za-z0-9._-]+$")]
    public string Topic { get; init; } = "clicks";

    /// <summary>Whether connections use TLS.</summary>
    [Description("Whether connections use TLS. Certificates of the brokers must name the hosts that pods connect to.")]
    public bool Tls { get; init; }

    /// <summary>Authorities of the brokers; null: those of the image.</summary>
    [Description("Secret with the certificates of the brokers' authorities (PEM), such as Strimzi's CLUSTER-cluster-ca-cert. If absent: those of the image.")]
    public KafkaAuthoritySecretRef? CaSecretRef { get; init; }

    /// <summary>Certificate of the pods; null: none.</summary>
    [Description("Secret with a certificate of the pods and its key (PEM, not encrypted), such as that of Strimzi's KafkaUser. If absent: pods have none.")]
    public KafkaCertificateSecretRef? CertificateSecretRef { get; init; }

    /// <summary>How pods prove who they are by a password; null: they do not.</summary>
    [Description("How pods prove who they are by a password. If absent: they do not.")]
    [OneOf("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")]
    public string? Mechanism { get; init; }

    /// <summary>Name of the user.</summary>
    [Description("Name of the user of the password. Of Strimzi's KafkaUser, its name.")]
    [Length(1, 249)]
    public string? Username { get; init; }

    /// <summary>The password.</summary>
    [Description("Secret with the password. Pods use a new one within a minute or two, without a restart.")]
    public KafkaPasswordSecretRef? CredentialsSecretRef { get; init; }

    /// <summary>Size of each pod's spool.</summary>
    [Description(
        "Room for click events that wait for Kafka, on each pod's node, 64Mi to 1Ti. Pods request it as ephemeral storage, with 64Mi more. It "
            + "ends with the pod."
    )]
    public ResourceQuantity SpoolSize { get; init; } = new("1Gi");
}

/// <summary>Authorities of Kafka's brokers, in a Secret.</summary>
internal sealed record KafkaAuthoritySecretRef : SecretKeyRef
{
    /// <summary>The key defaults to <c>ca.crt</c>.</summary>
    public KafkaAuthoritySecretRef() => Key = "ca.crt";
}

/// <summary>A password for Kafka, in a Secret.</summary>
internal sealed record KafkaPasswordSecretRef : SecretKeyRef
{
    /// <summary>The key defaults to <c>password</c>.</summary>
    public KafkaPasswordSecretRef() => Key = "password";
}

/// <summary>A certificate for Kafka, in a Secret.</summary>
internal sealed record KafkaCertificateSecretRef
{
    /// <summary>The Secret.</summary>
    [Description("Name of a Secret in the same namespace.")]
    [Required]
    [Length(1, 253)]
    [RegularExpression(Patterns.DnsName)]
    public string Name { get; init; } = "";

    /// <summary>Key of the certificate.</summary>
    [Description("Key of the certificate in the Secret.")]
    [Length(1, 253)]
    [RegularExpression(Patterns.DataKey)]
    public string Certificate { get; init; } = "user.crt";

    /// <summary>Key of its private key.</summary>
    [Description("Key of the certificate's private key in the Secret.")]
    [Length(1, 253)]
    [RegularExpression(Patterns.DataKey)]
    public string PrivateKey { get; init; } = "user.key";
}
