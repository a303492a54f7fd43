namespace UrlShortener.Operator.Runtime;

/// <summary>Lets others than informers call for a reconcile: probers, informers of other clusters.</summary>
internal interface IReconcileTrigger<TEntity>
{
    /// <summary>Calls for a reconcile of an object, if this process leads.</summary>
    void Enqueue(ObjectKey key, Lane lane);
}
