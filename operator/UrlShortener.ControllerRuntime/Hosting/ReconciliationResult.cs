namespace UrlShortener.ControllerRuntime.Hosting;

/// <summary>The result of a reconcile.</summary>
// CA1000: the shape is that of KubeOps, whose controllers return ReconciliationResult<TEntity>.Success(entity).
#pragma warning disable CA1000
public sealed class ReconciliationResult<TEntity>
    where TEntity : class
{
    private ReconciliationResult(TEntity entity, bool isSuccess, string? errorMessage, Exception? error, TimeSpan? requeueAfter)
    {
        Entity = entity;
        IsSuccess = isSuccess;
        ErrorMessage = errorMessage;
        Error = error;
        RequeueAfter = requeueAfter;
    }

    /// <summary>The object.</summary>
    public TEntity Entity { get; }

    /// <summary>Whether it succeeded.</summary>
    public bool IsSuccess { get; }

    /// <summary>Why it failed.</summary>
    public string? ErrorMessage { get; }

    /// <summary>The exception behind the failure.</summary>
    public Exception? Error { get; }

    /// <summary>When to reconcile again at the latest; null after a failure: with backoff.</summary>
    public TimeSpan? RequeueAfter { get; }

    /// <summary>The reconcile succeeded.</summary>
    public static ReconciliationResult<TEntity> Success(TEntity entity, TimeSpan? requeueAfter = null) => new(entity, true, null, null, requeueAfter);

    /// <summary>The reconcile failed; the host counts, logs and retries it.</summary>
    public static ReconciliationResult<TEntity> Failure(TEntity entity, string message, Exception? error = null, TimeSpan? requeueAfter = null) =>
        new(entity, false, message, error, requeueAfter);
}
