using System.Security.Cryptography;
using System.Text.Json.Nodes;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Election;
using UrlShortener.ControllerRuntime.Timing;

namespace UrlShortener.ControllerRuntime.Events;

/// <summary>
/// Writes recorded events in the background, one after the other. Drops and counts events that cannot be written after some attempts. It uses the core API
/// because events.k8s.io refuses the older timestamps and the count, and kubectl sorts and counts by these.
/// </summary>
internal sealed class EventWriter : BackgroundService
{
    private const int Attempts = 3;
    private const int MaxName = 200;

    /// <summary>Time to write remaining events when the process stops.</summary>
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(3);

    private static readonly Backoff Retry = new(TimeSpan.FromMilliseconds(500), TimeSpan.FromSeconds(5));

    private readonly EventRecorder _recorder;
    private readonly ResourceClient _client;
    private readonly Leadership _leadership;
    private readonly EventSource _source;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    /// <summary>Creates a writer; <paramref name="source"/> names this process.</summary>
    public EventWriter(EventRecorder recorder, ResourceClient client, Leadership leadership, EventSource source, TimeProvider time, ILogger<EventWriter> logger)
    {
        _recorder = recorder;
        _client = client;
        _leadership = leadership;
        _source = source;
        _time = time;
        _logger = logger;
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(_leadership.Lost);
        await using var stop = stoppingToken.Register(() => ended.CancelAfter(StopLimit));
        try
        {
            while (await _recorder.Queue.WaitToReadAsync(stoppingToken))
                await WriteAllAsync(ended.Token);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            await WriteAllAsync(ended.Token);
        }
    }

    private static void Drop(string cause) => EventMetrics.Dropped.WithLabels(cause).Inc();

    // A series starts with the second occurrence.
    private static Corev1EventSeries? SeriesOf(int count, DateTime lastAt) =>
        count > 1 ? new Corev1EventSeries { Count = count, LastObservedTime = lastAt } : null;

    private async Task WriteAllAsync(CancellationToken cancellationToken)
    {
        while (_recorder.Queue.TryRead(out var series))
            await WriteAsync(series, cancellationToken);
    }

    private async Task WriteAsync(EventSeries series, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                if (attempt > 1)
                    await Task.Delay(Retry.SpreadAfter(attempt - 1), _time, cancellationToken);
                var (count, lastAt) = _recorder.Take(series);
                if (series.WrittenAs is null || !await TryExtendAsync(series, count, lastAt, cancellationToken))
                    await CreateAsync(series, count, lastAt, cancellationToken);
                EventMetrics.Written.Inc();
                return;
            }
            catch (Exception e) when (e is LeadershipLostException or OperationCanceledException)
            {
                Drop("refused");
                return;
            }
            catch (ApiException refused) when ((int)refused.StatusCode is >= 400 and < 500 and not 429)
            {
                Drop("refused");
                Log.EventDropped(_logger, series.Key.Reason, series.Key.Regarding.Name, refused);
                return;
            }
            catch (Exception e) when (attempt >= Attempts)
            {
                Drop("failed");
                Log.EventDropped(_logger, series.Key.Reason, series.Key.Regarding.Name, e);
                return;
            }
            catch (Exception e) when (e is ApiException or TimeoutException or HttpRequestException)
            {
                Log.EventRetried(_logger, series.Key.Reason, series.Key.Regarding.Name, e.Message);
            }
        }
    }

    private async Task CreateAsync(EventSeries series, int count, DateTime lastAt, CancellationToken cancellationToken)
    {
        var (subject, severity, reason, action, note) = series.Key;
        var name = subject.Name.Length > MaxName ? subject.Name[..MaxName] : subject.Name;
        var created = await _client.CreateAsync(
            new Corev1Event
            {
                Metadata = new V1ObjectMeta
                {
                    Name = $"{name}.{RandomNumberGenerator.GetHexString(16, lowercase: true)}",
                    NamespaceProperty = subject.EventNamespace,
                },
                EventTime = series.FirstAt,
                FirstTimestamp = series.FirstAt,
                LastTimestamp = lastAt,
                Count = count,
                Type = severity.ToString(),
                Reason = reason,
                Action = action,
                Message = note,
                InvolvedObject = subject.ToReference(),
                Source = new V1EventSource { Component = _source.Controller },
                ReportingComponent = _source.Controller,
                ReportingInstance = _source.ReportingInstance,
                Series = SeriesOf(count, lastAt),
            },
            _source.FieldManager,
            cancellationToken
        );
        series.WrittenAs = created.Metadata.Name;
    }

    /// <returns>Whether the event still exists.</returns>
    private async Task<bool> TryExtendAsync(EventSeries series, int count, DateTime lastAt, CancellationToken cancellationToken)
    {
        var extended = new Corev1Event
        {
            LastTimestamp = lastAt,
            Count = count,
            Series = SeriesOf(count, lastAt),
        };
        var patch = JsonNode.Parse(k8s.KubernetesJson.Serialize(extended))!.AsObject();
        try
        {
            var key = new ObjectKey(series.Key.Regarding.EventNamespace, series.WrittenAs!);
            await _client.PatchAsync<Corev1Event>(key, patch, _source.FieldManager, cancellationToken);
            return true;
        }
        catch (ApiException missing) when (missing.IsNotFound)
        {
            return false;
        }
    }
}
