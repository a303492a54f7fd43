using System.Text.Json;
using System.Text.Json.Nodes;
using UrlShortener.Operator.Backups;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Failover;
using UrlShortener.Operator.KeyPools;
using UrlShortener.Operator.Postgres;
using UrlShortener.Operator.Redis;
using UrlShortener.Operator.Regions.Validation;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Tests.Validation;

/// <summary>One rule with a specification that breaks it and one that just does not; each as a merge patch of the least specification.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Field">The field that the refusal names.</param>
/// <param name="Rule">Message of the CEL rule that says the same; null: there is none.</param>
/// <param name="Old">What is replaced; null: nothing.</param>
/// <param name="Bad">Breaks the rule.</param>
/// <param name="Good">Does not.</param>
internal sealed record RuleSample(string Kind, string Field, string? Rule, JsonObject? Old, JsonObject Bad, JsonObject Good)
{
    private static readonly Lazy<IReadOnlyList<RuleSample>> Samples = new(Load);

    /// <summary>All samples.</summary>
    public static IReadOnlyList<RuleSample> All => Samples.Value;

    /// <summary>The whole specification of one of the patches.</summary>
    public JsonObject SpecOf(JsonObject patch) => SpecJson.Merge(SpecJson.Minimal(Kind), patch)!.AsObject();

    /// <summary>What the operator says of one of the patches.</summary>
    public IReadOnlyList<SpecProblem> Check(JsonObject patch) =>
        Kind == V1Alpha1KeyPool.KubeKind
            ? KeyPoolRules.Check(SpecJson.Read<KeyPoolSpec>(SpecOf(patch)), Old is null ? null : SpecJson.Read<KeyPoolSpec>(SpecOf(Old)))
            : CheckRegion(SpecJson.Read<RegionSpec>(SpecOf(patch)), Old is null ? null : SpecJson.Read<RegionSpec>(SpecOf(Old)));

    private static IReadOnlyList<SpecProblem> CheckRegion(RegionSpec spec, RegionSpec? old) =>
        [
            .. RegionRules.Check(spec, old),
            .. PostgresRules.Check(spec, old),
            .. BackupRules.Check(spec, old),
            .. RedisRules.Check(spec, old),
            .. FailoverRules.Check(spec),
        ];

    private static List<RuleSample> Load()
    {
        using var stream = typeof(RuleSample).Assembly.GetManifestResourceStream("RuleSamples.json")!;
        return JsonSerializer.Deserialize<List<RuleSample>>(stream, JsonSerializerOptions.Web)!;
    }
}
