using k8s.Autorest;

namespace UrlShortener.Operator.Webhooks;

/// <summary>
/// Keeps the webhook trusted: creates and replaces certificates in time, serves with the newest, and publishes the CA bundle, also after another client
/// removed it. Runs in every replica, leader or not.
/// </summary>
internal sealed class CertificateWorker(
    CertificateSecret secret,
    WebhookConfiguration configuration,
    ServingCertificate serving,
    WebhookOptions options,
    TimeProvider time,
    ILogger<CertificateWorker> logger
) : BackgroundService
{
    // Two replicas that start together may conflict a few times.
    private const int MaxAttempts = 10;

    // For all requests of one check.
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    // Logged once per absence, not at every check.
    private bool _isMissing;

    /// <summary>One check: carries out the steps that are due, serves with the result and publishes it.</summary>
    /// <exception cref="HttpOperationException">The API server refused the request.</exception>
    /// <exception cref="HttpRequestException">The API server cannot be reached.</exception>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            var (set, version) = await secret.ReadAsync(cancellationToken);
            var published = await configuration.FindAsync(cancellationToken);
            var isPublished = set is not null && WebhookConfiguration.Trusts(published, set.Bundle);
            var step = CertificatePlan.Next(set, options.Names, isPublished, time.GetUtcNow());
            if (step != CertificateStep.None)
            {
                if (await secret.TryWriteAsync(CertificatePlan.Take(step, set, options.Names, time.GetUtcNow()), version, cancellationToken))
                    Log.CertificatesChanged(logger, step);
                continue;
            }

            serving.Use(set!.Serving);
            WebhookMetrics.SetCertificates(set);
            if (published is null && !_isMissing)
                Log.ConfigurationMissing(logger, options.ConfigurationName);
            _isMissing = published is null;
            if (published is not null && !isPublished)
            {
                await configuration.PublishAsync(published, set.Bundle, cancellationToken);
                Log.AuthorityPublished(logger, options.ConfigurationName);
            }

            return;
        }
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.CheckInterval, time);
        try
        {
            do await TryLookAsync(stoppingToken);
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The end.
        }
    }

    private async Task TryLookAsync(CancellationToken stoppingToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        limit.CancelAfter(Timeout);
        try
        {
            await LookAsync(limit.Token);
        }
        // An outage of the API server. It calls no webhook meanwhile, and the current certificate is valid for weeks.
        catch (Exception error)
            when (error is HttpOperationException or HttpRequestException or IOException
                || (error is OperationCanceledException && !stoppingToken.IsCancellationRequested)
            )
        {
            WebhookMetrics.CountFailure();
            Log.CertificatesFailed(logger, error);
        }
    }
}
