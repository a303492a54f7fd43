namespace UrlShortener.Operator.Conditions;

/// <summary>Types of conditions. <see cref="Ready"/>, <see cref="Reconciling"/> and <see cref="Stalled"/> follow kstatus.</summary>
internal static class ConditionTypes
{
    /// <summary>The object works as specified.</summary>
    public const string Ready = nameof(Ready);

    /// <summary>The operator or the cluster is applying a change.</summary>
    public const string Reconciling = nameof(Reconciling);

    /// <summary>The operator cannot continue until someone fixes the cause.</summary>
    public const string Stalled = nameof(Stalled);

    /// <summary>Changes are suspended by the specification.</summary>
    public const string Suspended = nameof(Suspended);

    /// <summary>Enough pods of the app serve.</summary>
    public const string AppAvailable = nameof(AppAvailable);

    /// <summary>The app reaches the servers that it needs.</summary>
    public const string DependenciesReachable = nameof(DependenciesReachable);

    /// <summary>The database has the tables of the region's image.</summary>
    public const string SchemaCurrent = nameof(SchemaCurrent);

    /// <summary>The region has the PodMonitor that it asks for. Absent unless it asks for one.</summary>
    public const string Monitored = nameof(Monitored);

    /// <summary>The key generation service works.</summary>
    public const string GeneratorHealthy = nameof(GeneratorHealthy);

    /// <summary>The pool is below its low watermark.</summary>
    public const string LowWatermark = nameof(LowWatermark);

    /// <summary>The pool is below its critical watermark.</summary>
    public const string Critical = nameof(Critical);

    /// <summary>The pool is empty.</summary>
    public const string Exhausted = nameof(Exhausted);

    /// <summary>Many of all possible codes have been claimed.</summary>
    public const string KeyspaceLow = nameof(KeyspaceLow);
}
