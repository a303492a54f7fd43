using System.ComponentModel.DataAnnotations;
using System.Net;
using UrlShortener.Operator.Webhooks;

namespace UrlShortener.Operator.Configuration;

/// <summary>Section <c>Operator</c>: settings of this process.</summary>
internal sealed class OperatorOptions : IValidatableObject
{
    private const StringSplitOptions Split = StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries;

    /// <summary>
    /// Namespaces to watch, comma separated. The operator needs the rights of <c>config/namespace</c> in each. Default <c>urlshortener</c>.
    /// </summary>
    public string Namespaces { get; set; } = "urlshortener";

    /// <summary>
    /// Name of the cluster that this operator runs regions of: those whose <c>spec.cluster.name</c> it is, and those that name none. Empty, the default: only
    /// those that name none.
    /// </summary>
    public string Cluster { get; set; } = "";

    /// <summary>Port of probes and metrics. Default 8080.</summary>
    [Range(1, 65_535)]
    public int Port { get; set; } = 8_080;

    /// <summary>Address to listen on, for all ports. Empty, the default: all addresses of the machine.</summary>
    public string Address { get; set; } = "";

    /// <summary>Interval in which controllers reconcile all objects again, plus or minus 10 %. Default 10 minutes.</summary>
    [Range(typeof(TimeSpan), "00:00:10", "1.00:00:00")]
    public TimeSpan Resync { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>Section <c>Operator:LeaderElection</c>.</summary>
    public LeaderElectionOptions LeaderElection { get; set; } = new();

    /// <summary>Section <c>Operator:Webhooks</c>.</summary>
    public WebhookOptions Webhooks { get; set; } = new();

    /// <summary>Section <c>Operator:Tracing</c>.</summary>
    public TracingOptions Tracing { get; set; } = new();

    /// <summary><see cref="Namespaces"/> as a list.</summary>
    internal IReadOnlyList<string> NamespaceList => [.. Namespaces.Split(',', Split).Distinct(StringComparer.Ordinal)];

    /// <summary><see cref="Address"/>; null: all.</summary>
    internal IPAddress? ListenAddress => Address.Length > 0 ? IPAddress.Parse(Address) : null;

    /// <inheritdoc />
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (NamespaceList.Count == 0)
            yield return new ValidationResult("must name at least one namespace.", [nameof(Namespaces)]);
        foreach (var name in NamespaceList.Where(name => !KubernetesNames.IsLabel(name)))
        {
            yield return new ValidationResult(
                $"contains \"{name}\", which is not a valid namespace name. Use at most 63 lower-case letters, digits and '-'.",
                [nameof(Namespaces)]
            );
        }

        if (Cluster.Length > 0 && !KubernetesNames.IsLabel(Cluster))
        {
            yield return new ValidationResult(
                $"is \"{Cluster}\", which is not a valid name of a cluster. Use at most 63 lower-case letters, digits and '-'.",
                [nameof(Cluster)]
            );
        }

        if (Address.Length > 0 && !IPAddress.TryParse(Address, out _))
            yield return new ValidationResult($"must be an IP address, not \"{Address}\".", [nameof(Address)]);
        if (Webhooks.Enabled && Webhooks.Port == Port)
            yield return new ValidationResult($"must differ from Operator:Webhooks:Port ({Webhooks.Port}).", [nameof(Port)]);
    }
}
