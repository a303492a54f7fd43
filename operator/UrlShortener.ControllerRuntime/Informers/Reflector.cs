using System.Globalization;
using System.Text.Json;
using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Timing;

namespace UrlShortener.ControllerRuntime.Informers;

/// <summary>
/// The part of an <see cref="Informer{T}"/> that follows one namespace, or the whole cluster: a list, then watches that each continue where the last one
/// ended, and a list again if that is not possible.
/// </summary>
internal sealed class Reflector<T>
    where T : class, IKubernetesObject<V1ObjectMeta>
{
    private const double NotServedSpread = 0.2;

    private readonly ApiClient _client;
    private readonly string? _namespace;
    private readonly InformerOptions<T> _options;
    private readonly ObjectCache<T> _cache;
    private readonly Action<ObjectChange<T>> _tell;
    private readonly Action _reportSynced;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ResourceType _type = ResourceType.Of<T>();

    /// <summary>Resource version at which the next watch starts; null: a list must come first. Only <see cref="RunAsync"/> uses it.</summary>
    private string? _version;

    /// <summary>Lines of the current watch. Only <see cref="RunAsync"/> uses it.</summary>
    private int _lines;

    /// <summary>Written by <see cref="RunAsync"/>, read by probes.</summary>
    private long _lastContact;

    private volatile bool _hasSynced;
    private volatile bool _isNotServed;

    public Reflector(
        ApiClient client,
        string? @namespace,
        InformerOptions<T> options,
        ObjectCache<T> cache,
        Action<ObjectChange<T>> tell,
        Action reportSynced,
        TimeProvider time,
        ILogger logger
    )
    {
        _client = client;
        _namespace = @namespace;
        _options = options;
        _cache = cache;
        _tell = tell;
        _reportSynced = reportSynced;
        _time = time;
        _logger = logger;
        _lastContact = time.GetTimestamp();
    }

    /// <summary>Like <see cref="IInformer.HasSynced"/>, for this part.</summary>
    public bool HasSynced => _hasSynced;

    /// <summary>Like <see cref="IInformer.IsNotServed"/>, for this part.</summary>
    public bool IsNotServed => _isNotServed;

    /// <summary>Like <see cref="IInformer.SilentFor"/>, for this part.</summary>
    public TimeSpan SilentFor => _time.GetElapsedTime(Volatile.Read(ref _lastContact));

    /// <summary>Follows until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var failures = 0;
        while (true)
        {
            _lines = 0;
            var started = _time.GetTimestamp();
            var end = await FollowOnceAsync(cancellationToken);
            InformerMetrics.WatchEnds.WithLabels(_type.Kind, InformerMetrics.NameOf(end)).Inc();
            if (end is WatchEnd.Gone or WatchEnd.Undecodable or WatchEnd.NotServed)
                _version = null;
            // A watch that ends at once without data counts as a failure; otherwise the next ones would follow without a pause.
            var worked = _lines > 0 || end == WatchEnd.Idle || _time.GetElapsedTime(started) > _options.Timings.Reconnect.Most;
            failures = worked && end != WatchEnd.Undecodable ? 0 : failures + 1;
            var wait =
                end == WatchEnd.NotServed ? Jitter.Around(_options.Timings.NotServedRetry, NotServedSpread)
                : failures > 0 ? _options.Timings.Reconnect.SpreadAfter(failures)
                : TimeSpan.Zero;
            if (wait > TimeSpan.Zero)
                await Task.Delay(wait, _time, cancellationToken);
        }
    }

    /// <summary>One list, if needed, and one watch. The only place of the loop that catches errors.</summary>
    private async Task<WatchEnd> FollowOnceAsync(CancellationToken cancellationToken)
    {
        try
        {
            _version ??= await ListAsync(cancellationToken);
            return await WatchAsync(_version, cancellationToken);
        }
        catch (ApiException gone) when (gone.IsGone)
        {
            Log.WatchGone(_logger, _type.Kind, _namespace);
            return WatchEnd.Gone;
        }
        catch (ApiException missing) when (missing.IsNotFound)
        {
            // A server that has just started may not serve a kind yet, so the cache is kept.
            if (!_isNotServed)
                Log.KindNotServed(
                    _logger,
                    _options.Optional ? LogLevel.Information : LogLevel.Warning,
                    _type.Kind,
                    _type.ApiVersion,
                    _options.Timings.NotServedRetry
                );
            _isNotServed = true;
            ReportContact();
            if (_options.Optional)
                ReportSynced();
            return WatchEnd.NotServed;
        }
        catch (UndecodableException undecodable)
        {
            Log.Undecodable(_logger, _type.Kind, undecodable);
            InformerMetrics.Undecodable.WithLabels(_type.Kind).Inc();
            return WatchEnd.Undecodable;
        }
        catch (Exception e) when (!cancellationToken.IsCancellationRequested)
        {
            Log.WatchFailed(_logger, _type.Kind, _namespace, e);
            return WatchEnd.Error;
        }
    }

    private async Task<string> ListAsync(CancellationToken cancellationToken)
    {
        InformerMetrics.Lists.WithLabels(_type.Kind).Inc();
        var seen = new HashSet<ObjectKey>();
        string? next = null;
        ObjectPage page;
        do
        {
            // No resource version: the server's own cache may be older than what this process has seen.
            page = await _client.GetAsync<ObjectPage>(ListPath(next), cancellationToken);
            ReportContact();
            foreach (var item in page.Items ?? [])
                TakeListed(item, seen);
            next = page.Metadata.ContinueProperty;
        } while (!string.IsNullOrEmpty(next));

        foreach (var key in _cache.GetKeys(_namespace).Where(key => !seen.Contains(key)))
            Remove(key);
        _isNotServed = false;
        ReportSynced();
        return page.Metadata.ResourceVersion;
    }

    private void TakeListed(JsonElement item, HashSet<ObjectKey> seen)
    {
        try
        {
            var entity = ObjectDecoder.Read<T>(item);
            seen.Add(ObjectKey.Of(entity));
            Set(entity);
        }
        catch (UndecodableException undecodable)
        {
            // It exists, so it must not look deleted: the cache keeps its last known state.
            if (ObjectDecoder.ReadKey(item) is { } key)
                seen.Add(key);
            Log.Undecodable(_logger, _type.Kind, undecodable);
            InformerMetrics.Undecodable.WithLabels(_type.Kind).Inc();
        }
    }

    private async Task<WatchEnd> WatchAsync(string version, CancellationToken cancellationToken)
    {
        // Disposed on every exit; an undisposed response keeps its connection.
        using var response = await _client.OpenAsync(WatchPath(version), cancellationToken);
        ReportContact();
        await using var stream = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var reader = new StreamReader(stream);
        using var idle = new CancellationTokenSource(_options.Timings.IdleLimit, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(idle.Token, cancellationToken);
        try
        {
            while (await reader.ReadLineAsync(either.Token) is { } line)
            {
                Take(WatchFrame.Read(line));
                _lines++;
                ReportContact();
                idle.CancelAfter(_options.Timings.IdleLimit);
            }

            return WatchEnd.End;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            Log.WatchIdle(_logger, _type.Kind, _namespace, _options.Timings.IdleLimit);
            return WatchEnd.Idle;
        }
    }

    private void Take(WatchFrame frame)
    {
        switch (frame.Type)
        {
            case "ADDED" or "MODIFIED":
                Set(ObjectDecoder.Read<T>(frame.Object));
                break;
            case "DELETED":
                Remove(ObjectKey.Of(ObjectDecoder.Read<T>(frame.Object)));
                break;
            case "ERROR":
                throw ApiException.Of(_type.Path(_namespace), KubernetesJson.Deserialize<V1Status>(frame.Object));
        }

        _version = ObjectDecoder.ReadVersion(frame.Object) ?? _version;
    }

    private void Set(T entity)
    {
        _options.Transform?.Invoke(entity);
        var former = _cache.Set(entity);
        if (former is not null && former.Metadata.Uid != entity.Metadata.Uid)
        {
            // The object was deleted and created again with the same name between two reads.
            _tell(new ObjectChange<T>(former, null));
            former = null;
        }

        if (former?.Metadata.ResourceVersion != entity.Metadata.ResourceVersion)
            _tell(new ObjectChange<T>(former, entity));
    }

    private void Remove(ObjectKey key)
    {
        if (_cache.Remove(key) is { } last)
            _tell(new ObjectChange<T>(last, null));
    }

    private void ReportContact() => Volatile.Write(ref _lastContact, _time.GetTimestamp());

    private void ReportSynced()
    {
        if (_hasSynced)
            return;
        _hasSynced = true;
        _reportSynced();
    }

    private string ListPath(string? next) =>
        $"{_type.Path(_namespace)}?limit={_options.Timings.PageSize}{Selectors()}{(next is null ? "" : $"&continue={Uri.EscapeDataString(next)}")}";

    private string WatchPath(string version)
    {
        var seconds = Jitter.Between(_options.Timings.LeastWatch, _options.Timings.MostWatch).TotalSeconds;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{_type.Path(_namespace)}?watch=true&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds={seconds:0}{Selectors()}"
        );
    }

    private string Selectors() => string.IsNullOrEmpty(_options.LabelSelector) ? "" : $"&labelSelector={Uri.EscapeDataString(_options.LabelSelector)}";
}
