using System.Text.RegularExpressions;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Backups;

/// <summary>What the primary says about archiving (<c>pg_stat_archiver</c> and the files of <c>archive_status</c>).</summary>
/// <param name="Now">The primary's clock.</param>
/// <param name="Timeline">Its timeline.</param>
/// <param name="LastArchived">The last segment that it archived; null: none since the statistics began.</param>
/// <param name="LastArchivedAt">When.</param>
/// <param name="LastArchivedUpTo">When that segment was complete: what was committed before is in the archive; null: not known any more.</param>
/// <param name="LastFailedAt">When an attempt failed last; null: none has.</param>
/// <param name="Waiting">Segments that wait.</param>
/// <param name="WaitingSince">Since when the oldest does; null: none waits.</param>
internal sealed partial record ArchiverState(
    DateTimeOffset Now,
    int Timeline,
    string? LastArchived,
    DateTimeOffset? LastArchivedAt,
    DateTimeOffset? LastArchivedUpTo,
    DateTimeOffset? LastFailedAt,
    int Waiting,
    DateTimeOffset? WaitingSince
)
{
    /// <summary>How long a segment may wait in any case.</summary>
    private static readonly TimeSpan WaitingLimit = TimeSpan.FromMinutes(3);

    private const int MaxError = 300;

    /// <summary>Why the last attempt failed, in pgBackRest's words; null: it did not, or that is not known.</summary>
    public string? LastError { get; init; }

    /// <summary>How long the oldest segment has waited.</summary>
    public TimeSpan Delay => WaitingSince is { } since && since < Now ? Now - since : TimeSpan.Zero;

    /// <summary>Whether segments do not reach the archive in time.</summary>
    /// <param name="timing">The limits.</param>
    public bool IsStalled(BackupTiming timing) => Delay > (LastFailedAt is not null && !(LastArchivedAt > LastFailedAt) ? timing.FailingLimit : WaitingLimit);

    /// <summary>
    /// The cause in what pgBackRest wrote: without advice, and without the request and the answer, which differ at each attempt, so that each would change the
    /// status; null: there is none.
    /// </summary>
    /// <param name="text">The text.</param>
    public static string? FindCause(string text)
    {
        const string Mark = "ERROR: ";
        var start = text.IndexOf(Mark, StringComparison.Ordinal);
        if (start < 0)
            return null;
        var words = text[(start + Mark.Length)..];
        var end = words.IndexOf("***", StringComparison.Ordinal);
        var name = end < 0 ? "" : $" {ErrorName().Match(words).Groups[1].Value}";
        var lines = (end < 0 ? words : words[..end]).Split('\n').Where(line => !line.Contains("HINT: ", StringComparison.Ordinal)).ToList();
        // The lines before it name long paths of files that could not be read.
        if (lines.Find(line => Origin().IsMatch(line)) is { } origin)
            lines = [origin];
        return Texts.Cut(LastWords.Clean($"{string.Join(' ', lines)}{name}"), MaxError);
    }

    [GeneratedRegex(@"^\s+\w+Error: ")]
    private static partial Regex Origin();

    // What a storage says in its answer.
    [GeneratedRegex(@"<Code>(\w{1,80})</Code>")]
    private static partial Regex ErrorName();
}
