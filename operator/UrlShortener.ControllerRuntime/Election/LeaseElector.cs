using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Timing;

namespace UrlShortener.ControllerRuntime.Election;

/// <summary>
/// Makes this process the one leader of several, through a Lease. Any error is retried until the time to renew is over. A process that loses the lease
/// ends, since only that stops code which does not listen; one that is asked to stop hands the lease back, and a successor has it at once.
/// </summary>
internal sealed class LeaseElector : BackgroundService
{
    private const string Json = "application/json";

    private readonly ApiClient _client;
    private readonly LeaseOptions _options;
    private readonly Leadership _leadership;
    private readonly ProcessExit _exit;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly string _namespace;
    private readonly ResourceType _type = ResourceType.Of<V1Lease>();

    /// <summary>The lease as last seen or written; null before. All below is used by one task at a time.</summary>
    private V1Lease? _lease;

    /// <summary>Since when the lease has been seen as it is.</summary>
    private long _unchangedSince;

    private FencingToken? _token;

    /// <summary>Prepares a candidate.</summary>
    /// <param name="clients">Its client for leases is used, and its namespace when the options name none.</param>
    /// <param name="options">The lease.</param>
    /// <param name="leadership">Is told.</param>
    /// <param name="exit">Ends the process with an exit code; called when leadership is lost.</param>
    /// <param name="time">Clock.</param>
    /// <param name="logger">Log.</param>
    public LeaseElector(
        KubernetesClients clients,
        LeaseOptions options,
        Leadership leadership,
        ProcessExit exit,
        TimeProvider time,
        ILogger<LeaseElector> logger)
    {
        _client = clients.Leases;
        _options = options;
        _leadership = leadership;
        _exit = exit;
        _time = time;
        _logger = logger;
        _namespace = options.Namespace.Length > 0 ? options.Namespace : clients.Namespace;
        ElectionMetrics.IsLeader.WithLabels(options.Name).Set(0);
    }

    /// <summary>Stops renewing, and hands the lease back if it is held. Called when all work has ended.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (_token is { IsValid: false })
            return;
        _leadership.End();
        ElectionMetrics.IsLeader.WithLabels(_options.Name).Set(0);
        // Also by a candidate: it may have taken the lease with a request whose answer it no longer waited for.
        await ReleaseAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // A process that was stopped and goes on finds its term over before it does anything else.
        while (_token is null or { IsValid: true })
        {
            var started = _time.GetTimestamp();
            var isHeld = await TryOnceAsync(stoppingToken);
            if (isHeld && _token is null)
                Begin(started);
            else if (isHeld)
                _token!.Extend(started);
            else if (_token is { IsValid: false })
                break;

            // A leader that failed tries again soon: it has several attempts until the deadline.
            var wait = _token is null ? CandidateWait(started)
                : (isHeld ? _options.RetryPeriod : _options.RetryPeriod / 4) - _time.GetElapsedTime(started);
            if (wait > TimeSpan.Zero)
                await Task.Delay(wait, _time, stoppingToken);
        }

        Lose();
    }

    /// <summary>
    /// Candidates look twice in the time of a renewal, since a lease counts from when it was seen, and right when it runs out: a leader that died is
    /// succeeded within the lease's duration and half a retry period. They do not ask in step.
    /// </summary>
    private TimeSpan CandidateWait(long started)
    {
        var wait = Jitter.Between(_options.RetryPeriod * 0.4, _options.RetryPeriod * 0.5) - _time.GetElapsedTime(started);
        var left = _lease is null ? TimeSpan.Zero : LeaseRules.TakeableIn(_lease.Spec, _time.GetElapsedTime(_unchangedSince), _options.Duration);
        return left > TimeSpan.Zero && left < wait ? left : wait;
    }

    private void Begin(long started)
    {
        _token = new FencingToken(started, _options.RenewDeadline, _options.Duration, _time);
        ElectionMetrics.IsLeader.WithLabels(_options.Name).Set(1);
        Log.LeadershipWon(_logger, _options.Identity, _options.Name);
        _leadership.Begin(_token);
    }

    private void Lose()
    {
        ElectionMetrics.IsLeader.WithLabels(_options.Name).Set(0);
        Log.LeadershipLost(_logger, _options.Identity, _options.Name, _options.RenewDeadline);
        _leadership.End();
        _exit(1);
    }

    /// <summary>One attempt to take or renew the lease.</summary>
    /// <returns>Whether this process holds it now.</returns>
    private async Task<bool> TryOnceAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            // What is left of the term is all the time that a renewal may take.
            if (_token is { } token)
                limit.CancelAfter(token.RenewableFor > TimeSpan.Zero ? token.RenewableFor : TimeSpan.Zero);
            // The leader writes at once on what it wrote last; when somebody else wrote, it reads again, the next time.
            if (_token is null || _lease is null)
                Observe(await ReadAsync(limit.Token));
            if (_lease is not null
                && !LeaseRules.MayTake(_lease.Spec, _options.Identity, _time.GetElapsedTime(_unchangedSince), _options.Duration))
            {
                Log.LeaseHeldByAnother(_logger, _options.Identity, _options.Name, _lease.Spec.HolderIdentity);
                // If this process led, its term is over.
                _token?.End();
                return false;
            }

            Observe(await WriteAsync(LeaseRules.Take(_lease?.Spec, _options.Identity, _options.Duration, MicroTime.Now(_time)), limit.Token));
            return true;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            // The lease may have been written and only the answer been lost, so the next attempt starts from what is there.
            if (_token is not null)
                _lease = null;
            Log.LeaseAttemptFailed(_logger, _options.Identity, _options.Name, e);
            return false;
        }
    }

    private void Observe(V1Lease? seen)
    {
        if (_lease is null || seen?.Metadata.ResourceVersion != _lease.Metadata.ResourceVersion)
            _unchangedSince = _time.GetTimestamp();
        _lease = seen;
    }

    private async Task<V1Lease?> ReadAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _client.GetAsync<V1Lease>(_type.Path(_namespace, _options.Name), cancellationToken);
        }
        catch (ApiException missing) when (missing.IsNotFound)
        {
            return null;
        }
    }

    /// <summary>Writes on the condition that nobody wrote since the lease was read.</summary>
    private Task<V1Lease> WriteAsync(V1LeaseSpec spec, CancellationToken cancellationToken)
    {
        var isNew = _lease is null;
        var body = new V1Lease
        {
            ApiVersion = _type.ApiVersion,
            Kind = _type.Kind,
            Metadata = new V1ObjectMeta
            {
                Name = _options.Name,
                NamespaceProperty = _namespace,
                ResourceVersion = _lease?.Metadata.ResourceVersion,
                Labels = _lease?.Metadata.Labels,
                Annotations = _lease?.Metadata.Annotations,
            },
            Spec = spec,
        };
        return _client.SendAsync<V1Lease>(
            isNew ? HttpMethod.Post : HttpMethod.Put,
            isNew ? _type.Path(_namespace) : _type.Path(_namespace, _options.Name),
            body,
            Json,
            cancellationToken);
    }

    private async Task ReleaseAsync(CancellationToken cancellationToken)
    {
        try
        {
            _lease = await ReadAsync(cancellationToken);
            if (_lease?.Spec?.HolderIdentity != _options.Identity)
                return;
            await WriteAsync(LeaseRules.Release(_lease.Spec, MicroTime.Now(_time)), cancellationToken);
            Log.LeadershipReleased(_logger, _options.Identity, _options.Name);
        }
        catch (Exception e) when (e is ApiException or TimeoutException or HttpRequestException)
        {
            // The lease runs out by itself.
            Log.LeaseAttemptFailed(_logger, _options.Identity, _options.Name, e);
        }
    }
}
