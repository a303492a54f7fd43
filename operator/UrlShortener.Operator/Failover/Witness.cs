using System.Text.Json;
using System.Text.Json.Nodes;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Failover;

/// <summary>
/// The objects of a group in a cluster that only votes: the vote, and what the operators tell each other there, so that they hear of each other while only the way
/// between their clusters is cut. People create both (config/samples/witness.yaml). Pure.
/// </summary>
internal static class Witness
{
    /// <summary>Key of the vote's ConfigMap that says which database it is about: two groups must not share a vote.</summary>
    public const string OwnerKey = "database";

    // A region has no dot in its name.
    private const string Prefix = "witness.";

    /// <summary>Name of the voter of a cluster.</summary>
    public static string VoterOf(string cluster) => Prefix + cluster;

    /// <summary>Whether a voter is a witness.</summary>
    public static bool IsOne(string voter) => voter.StartsWith(Prefix, StringComparison.Ordinal);

    /// <summary>Name of a witness' cluster.</summary>
    public static string ClusterOf(string voter) => voter[Prefix.Length..];

    /// <summary>Where the vote is.</summary>
    /// <param name="region">A region of the group.</param>
    /// <param name="cluster">The cluster.</param>
    public static VoterPlace PlaceOf(V1Alpha1ShortenerRegion region, string cluster) =>
        new(region.Metadata.NamespaceProperty, $"{region.Spec.Group}-witness", cluster) { Owner = region.Status?.Postgres?.SystemIdentifier };

    /// <summary>The ConfigMap in which the operators tell what they see: a key for each cluster.</summary>
    /// <param name="region">A region of the group.</param>
    public static ObjectKey ObserversOf(V1Alpha1ShortenerRegion region) => new(region.Metadata.NamespaceProperty, $"{region.Spec.Group}-witness-observers");

    /// <summary>What an operator writes there. Others' keys stay as they are, and no vote is written at the same time as this object.</summary>
    /// <param name="cluster">The operator's cluster.</param>
    /// <param name="verdicts">What it thinks of the regions.</param>
    /// <param name="now">The time, which makes each report another one.</param>
    public static JsonObject Tell(string cluster, IEnumerable<KeyValuePair<string, Verdict>> verdicts, DateTimeOffset now) =>
        new()
        {
            ["data"] = new JsonObject
            {
                [cluster] = new JsonObject { ["at"] = now.UtcDateTime.ToString("O"), ["verdicts"] = ObserverReport.Write(verdicts) }.ToJsonString(),
            },
        };

    /// <summary>What the operators of clusters tell, by name of the cluster; without what is not understood.</summary>
    /// <param name="map">The ConfigMap.</param>
    public static IReadOnlyDictionary<string, ObserverReport> Hear(V1ConfigMap map) =>
        (map.Data ?? new Dictionary<string, string>())
            .Select(told => (told.Key, Report: Read(told.Value)))
            .Where(told => told.Report is not null)
            .ToDictionary(told => told.Key, told => told.Report!, StringComparer.Ordinal);

    private static ObserverReport? Read(string text)
    {
        try
        {
            return StrictJson.Parse(text) is JsonObject told && told["at"]?.GetValue<string>() is { } at && told["verdicts"] is JsonObject verdicts
                ? new ObserverReport(at, ObserverReport.Read(verdicts))
                : null;
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return null;
        }
    }
}
