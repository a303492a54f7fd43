using UrlShortener.Operator.Certificates;

namespace UrlShortener.Operator.Webhooks;

/// <summary>Log messages of the webhook.</summary>
internal static partial class Log
{
    [LoggerMessage(
        EventId = 1,
        EventName = "AdmissionRefused",
        Level = LogLevel.Information,
        Message = "Refused {Operation} of {Resource} {Namespace}/{Name}: {Refusal}"
    )]
    public static partial void Refused(ILogger logger, string? operation, string? resource, string? @namespace, string? name, string refusal);

    [LoggerMessage(EventId = 2, EventName = "AdmissionUnreadable", Level = LogLevel.Warning, Message = "Cannot read an admission request: {Problem}")]
    public static partial void Unreadable(ILogger logger, string problem);

    [LoggerMessage(EventId = 3, EventName = "WebhookCertificatesChanged", Level = LogLevel.Information, Message = "Updated the webhook certificates: {Step}.")]
    public static partial void CertificatesChanged(ILogger logger, CertificateStep step);

    [LoggerMessage(
        EventId = 4,
        EventName = "WebhookAuthorityPublished",
        Level = LogLevel.Information,
        Message = "Published the webhook's CA bundle in {Configuration}."
    )]
    public static partial void AuthorityPublished(ILogger logger, string configuration);

    [LoggerMessage(
        EventId = 5,
        EventName = "WebhookCertificatesFailed",
        Level = LogLevel.Warning,
        Message = "Certificate maintenance failed; keeping the current certificates."
    )]
    public static partial void CertificatesFailed(ILogger logger, Exception error);

    [LoggerMessage(
        EventId = 6,
        EventName = "WebhookConfigurationMissing",
        Level = LogLevel.Warning,
        Message = "ValidatingWebhookConfiguration {Configuration} does not exist; only the reconcile validates specifications."
    )]
    public static partial void ConfigurationMissing(ILogger logger, string configuration);

    [LoggerMessage(
        EventId = 9,
        EventName = "WebhookConfigurationRestored",
        Level = LogLevel.Warning,
        Message = "ValidatingWebhookConfiguration {Configuration} was deleted; created it again."
    )]
    public static partial void ConfigurationRestored(ILogger logger, string configuration);

    [LoggerMessage(
        EventId = 10,
        EventName = "WebhookConfigurationContested",
        Level = LogLevel.Warning,
        Message = "Another installation writes its CA bundle into ValidatingWebhookConfiguration {Configuration}; give each installation its own."
    )]
    public static partial void ConfigurationContested(ILogger logger, string configuration);

    [LoggerMessage(
        EventId = 7,
        EventName = "WebhookWarm",
        Level = LogLevel.Information,
        Message = "The webhook answered its own requests in {Milliseconds:0} ms."
    )]
    public static partial void WarmedUp(ILogger logger, double milliseconds);

    [LoggerMessage(
        EventId = 8,
        EventName = "WebhookWarmupFailed",
        Level = LogLevel.Warning,
        Message = "The webhook did not answer its own requests; this replica is not ready, and retries every second."
    )]
    public static partial void WarmupFailed(ILogger logger, Exception error);
}
