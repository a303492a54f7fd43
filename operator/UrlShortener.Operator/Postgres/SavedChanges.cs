using System.Text.Json;
using System.Text.Json.Nodes;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.Postgres;

/// <summary>
/// What a member tells of the changes that only it had (config/images/postgres/saved.py): the files on its volume, and why it waits if it could not save them. Pure.
/// </summary>
/// <param name="Files">The latest files.</param>
/// <param name="Waits">Why changes cannot be saved, so that the member waits; null: it does not.</param>
/// <param name="IsSaving">Whether it saves, or waits.</param>
internal sealed record SavedChanges(IReadOnlyList<PostgresSavedChanges> Files, string? Waits, bool IsSaving)
{
    private const int MaxFiles = 32;
    private const int MaxName = 64;
    private const int MaxTime = 32;

    /// <summary>Reads what a member tells; null: nothing, or something that is not understood.</summary>
    public static SavedChanges? Of(V1Pod pod)
    {
        if (Labels.AnnotationOf(pod.Metadata, Labels.SavedChanges) is not { } text)
            return null;
        try
        {
            if (StrictJson.Parse(text) is not JsonObject told)
                return null;
            var files = (told["files"] as JsonArray ?? [])
                .OfType<JsonObject>()
                .Select(file => new PostgresSavedChanges
                {
                    Member = pod.Metadata.Name,
                    File = Cut(file["file"]?.GetValue<string>(), MaxName) ?? "",
                    Count = file["count"]?.GetValue<long>() ?? 0,
                    At = Cut(file["at"]?.GetValue<string>(), MaxTime),
                })
                .Where(file => file.File.Length > 0);
            return new SavedChanges([.. files], told["waits"]?.GetValue<string>(), told["saving"]?.GetValue<bool>() == true);
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    /// <summary>The files of all members. Those of a member that tells nothing, such as one that has just started, are as they were.</summary>
    /// <param name="pods">The members.</param>
    /// <param name="former">What was known; null: nothing.</param>
    /// <returns>Null: there are none.</returns>
    public static IReadOnlyList<PostgresSavedChanges>? FilesOf(IEnumerable<V1Pod> pods, IReadOnlyList<PostgresSavedChanges>? former)
    {
        var told = pods.Select(pod => (pod.Metadata.Name, Told: Of(pod))).Where(member => member.Told is not null).ToList();
        var silent = (former ?? []).Where(file => told.TrueForAll(member => member.Name != file.Member));
        List<PostgresSavedChanges> files =
        [
            .. silent
                .Concat(told.SelectMany(member => member.Told!.Files))
                .OrderBy(file => file.At, StringComparer.Ordinal)
                .ThenBy(file => file.Member, StringComparer.Ordinal)
                .ThenBy(file => file.File, StringComparer.Ordinal)
                .TakeLast(MaxFiles),
        ];
        return files.Count == 0 ? null : files;
    }

    /// <summary>Whether a member saves what only it has, or cannot. It must not be copied anew.</summary>
    /// <param name="pod">The member.</param>
    public static bool IsUnsaved(V1Pod pod) => Of(pod) is { Waits: not null } or { IsSaving: true };

    /// <summary>Members that cannot save what only they have, and why, a sentence without its end; null: there are none.</summary>
    /// <param name="pods">The members.</param>
    public static string? DescribeWaits(IEnumerable<V1Pod> pods)
    {
        var waiting = pods.Select(pod => (pod.Metadata.Name, Of(pod)?.Waits)).Where(member => member.Waits is not null).ToList();
        return waiting.Count == 0
            ? null
            : $"{string.Join(", ", waiting.Select(member => $"{member.Name} has changes that no other region has, and cannot save them ({member.Waits})"))}";
    }

    private static string? Cut(string? text, int length) => text?.Length > length ? text[..length] : text;
}
