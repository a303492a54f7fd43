namespace UrlShortener.ControllerRuntime.Hosting;

/// <summary>What happens to a key after a reconcile.</summary>
/// <param name="Result">Name in metrics: <c>success</c>, <c>requeue_after</c>, <c>requeue</c> or <c>error</c>.</param>
/// <param name="IsFailure">Whether the backoff grows.</param>
/// <param name="After">When to reconcile again; null: after the backoff, or at the next change.</param>
internal readonly record struct ReconcileOutcome(string Result, bool IsFailure, TimeSpan? After)
{
    /// <summary>All results.</summary>
    public static readonly IReadOnlyList<string> Results = ["success", "requeue_after", "requeue", "error"];

    /// <summary>Done until something changes.</summary>
    public static readonly ReconcileOutcome Success = new("success", false, null);

    /// <summary>A conflict: another client wrote in the meantime. This is expected; reconcile again.</summary>
    public static readonly ReconcileOutcome Requeue = new("requeue", true, null);

    /// <summary>
    /// The namespace is being deleted, so nothing can be created; the deletion of the object causes a reconcile. Retried rarely, in case the deletion of the
    /// namespace hangs.
    /// </summary>
    public static readonly ReconcileOutcome Terminating = new("requeue_after", false, TimeSpan.FromSeconds(10));

    /// <summary>Failed.</summary>
    public static readonly ReconcileOutcome Error = new("error", true, null);

    /// <summary>Converts the result of a controller.</summary>
    public static ReconcileOutcome Of<TEntity>(ReconciliationResult<TEntity> result)
        where TEntity : class =>
        (result.IsSuccess, result.RequeueAfter) switch
        {
            (true, null) => Success,
            (true, { } after) => new ReconcileOutcome("requeue_after", false, after),
            (false, var after) => Error with { After = after },
        };
}
