namespace UrlShortener.Operator.Backups;

/// <summary>What a Job of backups does.</summary>
internal enum BackupKind
{
    /// <summary>A full backup.</summary>
    Full,

    /// <summary>A backup of what has changed since the last full one.</summary>
    Differential,

    /// <summary>A look for gaps in the archive.</summary>
    Check,

    /// <summary>A restore into a scratch volume, which is deleted again.</summary>
    Rehearsal,

    /// <summary>The restore from which a new database begins.</summary>
    Restore,
}
