namespace UrlShortener.Operator.Webhooks;

/// <summary>Messages of admission.</summary>
internal static partial class Log
{
    [LoggerMessage(EventId = 1, EventName = "AdmissionRefused", Level = LogLevel.Information, Message = "{Operation} of {Resource} {Namespace}/{Name} was refused: {Refusal}")]
    public static partial void Refused(ILogger logger, string? operation, string? resource, string? @namespace, string? name, string refusal);

    [LoggerMessage(EventId = 2, EventName = "AdmissionUnreadable", Level = LogLevel.Warning, Message = "A question could not be read: {Problem}")]
    public static partial void Unreadable(ILogger logger, string problem);

    [LoggerMessage(EventId = 3, EventName = "WebhookCertificatesChanged", Level = LogLevel.Information, Message = "Certificates of the webhook: {Step}.")]
    public static partial void CertificatesChanged(ILogger logger, CertificateStep step);

    [LoggerMessage(EventId = 4, EventName = "WebhookAuthorityPublished", Level = LogLevel.Information, Message = "The API server was told the authority of the webhook in {Configuration}.")]
    public static partial void AuthorityPublished(ILogger logger, string configuration);

    [LoggerMessage(EventId = 5, EventName = "WebhookCertificatesFailed", Level = LogLevel.Warning, Message = "Certificates of the webhook could not be looked after; those in use stay.")]
    public static partial void CertificatesFailed(ILogger logger, Exception error);

    [LoggerMessage(EventId = 6, EventName = "WebhookConfigurationMissing", Level = LogLevel.Warning, Message = "There is no ValidatingWebhookConfiguration {Configuration}: specifications are judged by the reconcile alone.")]
    public static partial void ConfigurationMissing(ILogger logger, string configuration);
}
