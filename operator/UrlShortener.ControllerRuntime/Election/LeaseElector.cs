using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Timing;

namespace UrlShortener.ControllerRuntime.Election;

/// <summary>
/// Elects one of several processes as the leader, through a Lease. It retries after errors until the renewal deadline. A process that loses the lease exits,
/// because only an exit stops code that ignores cancellation. A process that stops regularly releases the lease, and a successor takes it at once.
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

    /// <summary>The lease as last read or written; null before. Only one task at a time uses the fields below.</summary>
    private V1Lease? _lease;

    /// <summary>Timestamp since which the lease has been unchanged.</summary>
    private long _unchangedSince;

    private FencingToken? _token;

    /// <summary>Creates a candidate.</summary>
    /// <param name="clients">Supplies the client for leases, and the namespace if the options have none.</param>
    /// <param name="options">The lease.</param>
    /// <param name="leadership">Receives the result.</param>
    /// <param name="exit">Exits the process with a code; called when leadership is lost.</param>
    /// <param name="time">Clock.</param>
    /// <param name="logger">Log.</param>
    public LeaseElector(
        KubernetesClients clients,
        LeaseOptions options,
        Leadership leadership,
        ProcessExit exit,
        TimeProvider time,
        ILogger<LeaseElector> logger
    )
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

    /// <summary>Stops renewing, and releases the lease if this process holds it. Called when all work has ended.</summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        if (_token is { IsValid: false })
            return;
        _leadership.End();
        ElectionMetrics.IsLeader.WithLabels(_options.Name).Set(0);
        // A candidate releases too: it may have taken the lease with a request whose answer it did not await.
        await ReleaseAsync(cancellationToken);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        // When a frozen process resumes, it finds that its term is over before it does anything else.
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

            // After a failure a leader retries soon: it has several attempts until the deadline.
            var wait = _token is null ? CandidateWait(started) : (isHeld ? _options.RetryPeriod : _options.RetryPeriod / 4) - _time.GetElapsedTime(started);
            if (wait > TimeSpan.Zero)
                await Task.Delay(wait, _time, stoppingToken);
        }

        Lose();
    }

    /// <summary>
    /// Candidates check twice per retry period, since a lease counts from when a candidate saw it, and right when it expires: a dead leader has a successor
    /// within the lease's duration and half a retry period. Checks are randomized.
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
    /// <returns>Whether this process holds the lease now.</returns>
    private async Task<bool> TryOnceAsync(CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        try
        {
            // A renewal may take at most the rest of the term.
            if (_token is { } token)
                limit.CancelAfter(token.RenewableFor > TimeSpan.Zero ? token.RenewableFor : TimeSpan.Zero);
            // The leader writes based on the version that it wrote last. If another client wrote, it reads again at the next attempt.
            if (_token is null || _lease is null)
                Observe(await ReadAsync(limit.Token));
            if (_lease is not null && !LeaseRules.MayTake(_lease.Spec, _options.Identity, _time.GetElapsedTime(_unchangedSince), _options.Duration))
            {
                Log.LeaseHeldByAnother(_logger, _options.Identity, _options.Name, _lease.Spec.HolderIdentity);
                // If this process was the leader, its term is over.
                _token?.End();
                return false;
            }

            Observe(await WriteAsync(LeaseRules.Take(_lease?.Spec, _options.Identity, _options.Duration, MicroTime.Now(_time)), limit.Token));
            return true;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            // The write may have succeeded although its answer was lost, so the next attempt reads the lease first.
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

    /// <summary>Writes only if the lease is unchanged since it was read.</summary>
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
                Labels = isNew ? new Dictionary<string, string>(_options.Labels) : _lease!.Metadata.Labels,
                Annotations = _lease?.Metadata.Annotations,
            },
            Spec = spec,
        };
        var path = isNew ? _type.Path(_namespace) : _type.Path(_namespace, _options.Name);
        return _client.SendAsync<V1Lease>(
            isNew ? HttpMethod.Post : HttpMethod.Put,
            $"{path}?fieldManager={_options.FieldManager}",
            body,
            Json,
            cancellationToken
        );
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
            // The lease expires by itself.
            Log.LeaseAttemptFailed(_logger, _options.Identity, _options.Name, e);
        }
    }
}
