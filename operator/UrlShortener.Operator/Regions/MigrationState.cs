namespace UrlShortener.Operator.Regions;

/// <summary>How far the tables are for the app that is wanted.</summary>
internal enum MigrationState
{
    /// <summary>Nothing was done yet.</summary>
    Missing,

    /// <summary>The Job is at it.</summary>
    Running,

    /// <summary>The Job gave up.</summary>
    Failed,

    /// <summary>They are up to date.</summary>
    Done,
}
