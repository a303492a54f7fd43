using System.Text.Json;
using System.Text.Json.Nodes;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Failover;

/// <summary>
/// What the operator of a cluster thinks of the regions of a group, told to the operators of other clusters: an annotation of a Lease, which it renews as long
/// as it looks. Pure.
/// </summary>
/// <param name="Version">Changes with each renewal.</param>
/// <param name="Verdicts">The verdicts, by name of the region.</param>
internal sealed record ObserverReport(string Version, IReadOnlyDictionary<string, Verdict> Verdicts)
{
    /// <summary>Time between two renewals.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    /// <summary>The suffix of the Lease's name.</summary>
    public const string Suffix = "observer";

    /// <summary>Name of the Lease of the cluster of a region, the first one of the group in it.</summary>
    public static string NameOf(V1Alpha1ShortenerRegion region) => Names.Of(region.Metadata.Name, Suffix);

    /// <summary>The Lease.</summary>
    /// <param name="region">The region that acts for those of its cluster.</param>
    /// <param name="verdicts">The verdicts, by name of the region.</param>
    /// <param name="now">The time.</param>
    public static V1Lease Build(V1Alpha1ShortenerRegion region, IEnumerable<KeyValuePair<string, Verdict>> verdicts, DateTimeOffset now)
    {
        var metadata = Owned.Metadata(region, Suffix, VoterPlace.Component);
        metadata.Annotations = new Dictionary<string, string> { [Labels.Verdicts] = Write(verdicts).ToJsonString() };
        return new V1Lease
        {
            Metadata = metadata,
            Spec = new V1LeaseSpec { HolderIdentity = region.Spec.ClusterName() ?? "", RenewTime = now.UtcDateTime },
        };
    }

    /// <summary>Reads a Lease; null: there is none, or nobody understands it.</summary>
    public static ObserverReport? Of(V1Lease? lease)
    {
        if (Labels.AnnotationOf(lease?.Metadata, Labels.Verdicts) is not { } text)
            return null;
        try
        {
            return StrictJson.Parse(text) is JsonObject verdicts ? new ObserverReport(lease!.Metadata.ResourceVersion ?? "", Read(verdicts)) : null;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>The text of verdicts.</summary>
    public static JsonObject Write(IEnumerable<KeyValuePair<string, Verdict>> verdicts) =>
        new(
            verdicts
                .OrderBy(verdict => verdict.Key, StringComparer.Ordinal)
                .Select(verdict => KeyValuePair.Create(verdict.Key, (JsonNode?)verdict.Value.ToString()))
        );

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    public static IReadOnlyDictionary<string, Verdict> Read(JsonObject verdicts) =>
        verdicts.ToDictionary(verdict => verdict.Key, verdict => ReadVerdict(verdict.Value?.GetValue<string>()), StringComparer.Ordinal);

    private static Verdict ReadVerdict(string? text) =>
        text switch
        {
            nameof(Verdict.Good) => Verdict.Good,
            nameof(Verdict.Bad) => Verdict.Bad,
            _ => Verdict.Unknown,
        };
}
