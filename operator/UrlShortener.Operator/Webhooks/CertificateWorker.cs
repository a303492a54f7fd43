using k8s.Autorest;
using k8s.Models;
using UrlShortener.ControllerRuntime.Events;
using UrlShortener.Operator.Certificates;

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
    EventRecorder events,
    TimeProvider time,
    ILogger<CertificateWorker> logger
) : BackgroundService
{
    // Two replicas that start together may conflict a few times.
    private const int MaxAttempts = 10;

    // Limit for all requests of one check together.
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    // How often this process must see another installation's CA bundle before it reports it. A single time may be a restored backup.
    private const int ContestLimit = 2;

    // Logged once per absence, not at every check.
    private bool _isMissing;

    // The last configuration that was read; null: none.
    private V1ValidatingWebhookConfiguration? _known;

    private bool _hasPublished;

    private int _contests;

    /// <summary>Whether another installation publishes its CA bundle in the same configuration.</summary>
    public bool IsContested => _contests >= ContestLimit;

    /// <summary>Runs one check: carries out the steps that are due, serves with the result and publishes it.</summary>
    /// <exception cref="HttpOperationException">The API server refused the request.</exception>
    /// <exception cref="HttpRequestException">The API server cannot be reached.</exception>
    public async Task LookAsync(CancellationToken cancellationToken)
    {
        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            var (set, version) = await secret.ReadAsync(cancellationToken);
            var published = await configuration.FindAsync(cancellationToken);
            var isPublished = set is not null && WebhookConfiguration.Trusts(published, set.Bundle);
            var step = CertificatePlan.Next(set, options.Profile, isPublished, time.GetUtcNow());
            if (step != CertificateStep.None)
            {
                if (await secret.TryWriteAsync(CertificatePlan.Take(step, set, options.Profile, time.GetUtcNow()), version, cancellationToken))
                    Log.CertificatesChanged(logger, step);
                continue;
            }

            serving.Use(set!.Serving);
            WebhookMetrics.SetCertificates(set);
            if (published is null)
            {
                await RestoreAsync(set.Bundle, cancellationToken);
                return;
            }

            (_isMissing, _known) = (false, published);
            if (!isPublished)
                await PublishAsync(published, set.Bundle, cancellationToken);
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
            // The process stops.
        }
    }

    // Restores only a configuration that this process has read, and only at the second check: an installation may have none, and an uninstall deletes it before
    // the operator ends.
    private async Task RestoreAsync(string bundle, CancellationToken cancellationToken)
    {
        if (!_isMissing)
        {
            _isMissing = true;
            Log.ConfigurationMissing(logger, options.ConfigurationName);
        }
        else if (_known is not null)
        {
            await configuration.RestoreAsync(_known, bundle, cancellationToken);
            Log.ConfigurationRestored(logger, options.ConfigurationName);
        }
    }

    private async Task PublishAsync(V1ValidatingWebhookConfiguration published, string bundle, CancellationToken cancellationToken)
    {
        if (_hasPublished && WebhookConfiguration.IsForeign(published, bundle) && ++_contests >= ContestLimit)
        {
            Log.ConfigurationContested(logger, options.ConfigurationName);
            var note =
                $"Another installation of the operator writes its CA bundle into ValidatingWebhookConfiguration {options.ConfigurationName}. "
                + "Give each installation its own: Operator:Webhooks:ConfigurationName.";
            events.Record(secret.Reference, EventSeverity.Warning, "WebhookContested", "Publish", note);
        }

        await configuration.PublishAsync(published, bundle, cancellationToken);
        _hasPublished = true;
        Log.AuthorityPublished(logger, options.ConfigurationName);
    }

    private async Task TryLookAsync(CancellationToken stoppingToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        limit.CancelAfter(Timeout);
        try
        {
            await LookAsync(limit.Token);
        }
        // The API server is unreachable. It calls no webhook in the meantime, and the current certificate is valid for weeks.
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
