namespace UrlShortener.Operator.Backups;

/// <summary>A run that is due.</summary>
/// <param name="Kind">What it does.</param>
/// <param name="Cause">
/// What it is due for, such as a time of the schedule. The name of the Job depends on it, so that an operator that dies between the creation and the status, or
/// reads an old cache, does not start a second one.
/// </param>
/// <param name="Request">The request by annotation that it carries out; null: none.</param>
internal sealed record BackupRun(BackupKind Kind, string Cause, string? Request = null)
{
    /// <summary>Digest of the specification that a restore is made from; null: it is none.</summary>
    public string? Digest { get; init; }
}
