using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>Where other regions reach a region's primary.</summary>
internal sealed record ReplicationEndpoint
{
    /// <summary>Host name or address.</summary>
    [Description("Host name or address that other regions reach.")]
    [Required]
    [Length(1, 253)]
    [RegularExpression(Patterns.Host)]
    public string Host { get; init; } = "";

    /// <summary>Port.</summary>
    [Description("Port.")]
    [Range(1, 65_535)]
    public int Port { get; init; } = 5_432;

    /// <summary>Null: the connection is not checked.</summary>
    [Description("Secret of the type kubernetes.io/tls whose ca.crt the connection is checked with. Absent: it is not.")]
    public ObjectName? TlsSecretRef { get; init; }
}
