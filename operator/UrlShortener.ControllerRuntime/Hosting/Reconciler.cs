using System.Diagnostics;
using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Tracing;

namespace UrlShortener.ControllerRuntime.Hosting;

/// <summary>
/// Runs one reconcile of one object: selects the method of the controller, and interprets the result. No exception of a reconcile leaves this class.
/// </summary>
internal sealed class Reconciler<TEntity>
    where TEntity : class, IKubernetesObject<V1ObjectMeta>
{
    private readonly ControllerDefinition<TEntity> _definition;
    private readonly IEntityController<TEntity> _controller;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;

    public Reconciler(ControllerDefinition<TEntity> definition, IEntityController<TEntity> controller, TimeProvider time, ILogger logger)
    {
        _definition = definition;
        _controller = controller;
        _time = time;
        _logger = logger;
    }

    /// <summary>Reconciles an object.</summary>
    /// <param name="key">Its key.</param>
    /// <param name="current">Its newest state; null: it was deleted.</param>
    /// <param name="gone">Last state of a deleted object with this key of which the controller was not notified yet.</param>
    /// <param name="cancellationToken">Cancelled when leadership is lost or the process stops.</param>
    public async Task<ReconcileOutcome> ReconcileAsync(ObjectKey key, TEntity? current, TEntity? gone, CancellationToken cancellationToken)
    {
        using var span = Spans.StartReconcile(_definition.Name, ResourceType.Of<TEntity>().Kind, key.Namespace, key.Name);
        var outcome = await ReconcileAsync(key, current, gone, span, cancellationToken);
        span?.SetTag("reconcile.result", outcome.Result);
        return outcome;
    }

    private async Task<ReconcileOutcome> ReconcileAsync(ObjectKey key, TEntity? current, TEntity? gone, Activity? span, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(_definition.ReconcileLimit, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        using var scope = _logger.BeginScope(new Dictionary<string, object> { ["Controller"] = _definition.Name, ["Object"] = key.ToString() });
        var started = _time.GetTimestamp();
        ReconcileMetrics.ActiveWorkers.WithLabels(_definition.Name).Inc();
        try
        {
            var result = await CallAsync(current, gone, either.Token);
            if (result is { IsSuccess: false })
                ReportFailure(key, span, result.ErrorMessage, result.Error);
            return result is null ? ReconcileOutcome.Success : ReconcileOutcome.Of(result);
        }
        catch (Exception e) when (e is LeadershipLostException || cancellationToken.IsCancellationRequested)
        {
            Log.ReconcileAborted(_logger, _definition.Name, key);
            return ReconcileOutcome.Requeue;
        }
        catch (ApiException ordinary) when (ordinary.IsConflict || ordinary.IsAlreadyExists || ordinary.IsNamespaceTerminating)
        {
            Log.ReconcileRequeued(_logger, _definition.Name, key, ordinary.Message);
            return ordinary.IsNamespaceTerminating ? ReconcileOutcome.Terminating : ReconcileOutcome.Requeue;
        }
        catch (OperationCanceledException late) when (limit.IsCancellationRequested)
        {
            ReconcileMetrics.Timeouts.WithLabels(_definition.Name).Inc();
            ReportFailure(key, span, $"The reconcile exceeded {_definition.ReconcileLimit}.", late);
            return ReconcileOutcome.Error;
        }
        catch (Exception e)
        {
            if (e is not (ApiException or TimeoutException or HttpRequestException))
                ReconcileMetrics.Panics.WithLabels(_definition.Name).Inc();
            ReportFailure(key, span, e.Message, e);
            return ReconcileOutcome.Error;
        }
        finally
        {
            ReconcileMetrics.ActiveWorkers.WithLabels(_definition.Name).Dec();
            ReconcileMetrics.Seconds.WithLabels(_definition.Name).Observe(_time.GetElapsedTime(started).TotalSeconds);
        }
    }

    /// <returns>The result of the controller; null: there was nothing to do.</returns>
    private async Task<ReconciliationResult<TEntity>?> CallAsync(TEntity? current, TEntity? gone, CancellationToken cancellationToken)
    {
        if (gone is not null)
        {
            var deleted = await _controller.DeletedAsync(gone, cancellationToken);
            if (current is null || !deleted.IsSuccess)
                return deleted;
        }

        // An object that is being deleted is skipped: DeletedAsync is called when it is gone.
        return current is null or { Metadata.DeletionTimestamp: not null } ? null : await _controller.ReconcileAsync(current, cancellationToken);
    }

    private void ReportFailure(ObjectKey key, Activity? span, string? message, Exception? error)
    {
        span?.SetStatus(ActivityStatusCode.Error);
        if (error is not null)
            span.Fail(error);
        ReconcileMetrics.Errors.WithLabels(_definition.Name).Inc();
        Log.ReconcileFailed(_logger, _definition.Name, key, message, error);
    }
}
