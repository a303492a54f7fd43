namespace UrlShortener.ControllerRuntime.Hosting;

/// <summary>What follows from a reconcile for its key.</summary>
/// <param name="Result">Name in metrics: <c>success</c>, <c>requeue_after</c>, <c>requeue</c> or <c>error</c>.</param>
/// <param name="IsFailure">Whether delays grow.</param>
/// <param name="After">When the key comes back; null leaves it to the growing delay, or to the next change.</param>
internal readonly record struct ReconcileOutcome(string Result, bool IsFailure, TimeSpan? After)
{
    /// <summary>Done until something changes.</summary>
    public static readonly ReconcileOutcome Success = new("success", false, null);

    /// <summary>Somebody wrote meanwhile: ordinary, and to be looked at again.</summary>
    public static readonly ReconcileOutcome Requeue = new("requeue", true, null);

    /// <summary>The namespace is going: nothing can be made in it, and the object's own end will be an event. Asked again seldom, for a namespace that hangs.</summary>
    public static readonly ReconcileOutcome Terminating = new("requeue_after", false, TimeSpan.FromSeconds(10));

    /// <summary>Failed.</summary>
    public static readonly ReconcileOutcome Error = new("error", true, null);

    /// <summary>From what a controller returned.</summary>
    public static ReconcileOutcome Of<TEntity>(ReconciliationResult<TEntity> result)
        where TEntity : class => (result.IsSuccess, result.RequeueAfter) switch
        {
            (true, null) => Success,
            (true, { } after) => new ReconcileOutcome("requeue_after", false, after),
            (false, var after) => Error with { After = after },
        };
}
