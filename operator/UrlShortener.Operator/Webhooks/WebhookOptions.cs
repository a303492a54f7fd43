using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Certificates;

namespace UrlShortener.Operator.Webhooks;

/// <summary>Section <c>Operator:Webhooks</c>: the validating webhook.</summary>
internal sealed class WebhookOptions
{
    /// <summary>Whether a webhook validates requests at admission. Default true. If false, only the reconcile validates.</summary>
    public bool Enabled { get; set; } = true;

    /// <summary>TLS port of the webhook. Default 9443.</summary>
    [Range(1, 65_535)]
    public int Port { get; set; } = 9_443;

    /// <summary>Namespace of the operator. Default <c>urlshortener-system</c>.</summary>
    [Required(AllowEmptyStrings = false)]
    public string Namespace { get; set; } = "urlshortener-system";

    /// <summary>Service through which the API server calls the webhook. Default <c>shortener-operator-webhook</c>.</summary>
    [Required(AllowEmptyStrings = false)]
    public string ServiceName { get; set; } = "shortener-operator-webhook";

    /// <summary>Additional names and addresses of the certificate, for an API server that does not use the Service.</summary>
    public IList<string> ExtraNames { get; set; } = [];

    /// <summary>Secret with the certificates, in <see cref="Namespace"/>; created if missing. Default <c>shortener-operator-webhook</c>.</summary>
    [Required(AllowEmptyStrings = false)]
    public string SecretName { get; set; } = "shortener-operator-webhook";

    /// <summary>ValidatingWebhookConfiguration in which the operator publishes the CA bundle. Default <c>shortener-operator</c>.</summary>
    [Required(AllowEmptyStrings = false)]
    public string ConfigurationName { get; set; } = "shortener-operator";

    /// <summary>Time between checks of the certificates and the configuration. Default 10 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.100", "00:10:00")]
    public TimeSpan CheckInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>What the certificates are for.</summary>
    internal CertificateProfile Profile =>
        new("shortener-operator webhook", [$"{ServiceName}.{Namespace}.svc", $"{ServiceName}.{Namespace}.svc.cluster.local", .. ExtraNames]);
}
