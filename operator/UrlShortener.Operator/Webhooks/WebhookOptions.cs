using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Operator.Webhooks;

/// <summary>Section <c>Operator:Webhooks</c>: admission by this process.</summary>
internal sealed class WebhookOptions
{
    /// <summary>Whether requests are judged at admission. Default true. Without it the reconcile judges alone.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>Port of its own, with TLS. Default 9443.</summary>
    [Range(1, 65_535)]
    public int Port { get; set; } = 9_443;

    /// <summary>Namespace of the operator. Default <c>urlshortener-system</c>.</summary>
    [Required(AllowEmptyStrings = false)]
    public string Namespace { get; set; } = "urlshortener-system";

    /// <summary>Service through which the API server comes. Default <c>shortener-operator-webhook</c>.</summary>
    [Required(AllowEmptyStrings = false)]
    public string ServiceName { get; set; } = "shortener-operator-webhook";

    /// <summary>Further names and addresses that the certificate is for, where the API server does not come through the Service.</summary>
    public IList<string> ExtraNames { get; set; } = [];

    /// <summary>Secret with the certificates, in <see cref="Namespace"/>; made when it is missing. Default <c>shortener-operator-webhook</c>.</summary>
    [Required(AllowEmptyStrings = false)]
    public string SecretName { get; set; } = "shortener-operator-webhook";

    /// <summary>ValidatingWebhookConfiguration that is told whom to trust. Default <c>shortener-operator</c>.</summary>
    [Required(AllowEmptyStrings = false)]
    public string ConfigurationName { get; set; } = "shortener-operator";

    /// <summary>Time between two looks at the certificates and the configuration. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan CheckInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Every name and address that the certificate is for.</summary>
    internal IReadOnlyList<string> Names => [$"{ServiceName}.{Namespace}.svc", $"{ServiceName}.{Namespace}.svc.cluster.local", .. ExtraNames];
}
