using System.Text.Json.Nodes;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Regions.Validation;
using Xunit;

namespace UrlShortener.Operator.Tests.Validation;

/// <summary>Settings that the operator keeps for itself are refused by the rule of the schema and by the operator's own alike.</summary>
public sealed class ReservedSettingTests
{
    public static TheoryData<string> Names => [.. SettingRules.ReservedNames, .. SettingRules.ReservedSections.Select(section => $"{section}:Any")];

    [Theory]
    [MemberData(nameof(Names))]
    public void Check_ReservedSetting_IsRefusedByBoth(string name)
    {
        var spec = SpecJson
            .Merge(
                SpecJson.Minimal(V1Alpha1ShortenerRegion.KubeKind),
                new JsonObject { ["app"] = new JsonObject { ["settings"] = new JsonArray(new JsonObject { ["name"] = name, ["value"] = "1" }) } }
            )!
            .AsObject();

        Assert.Contains(SettingRules.Check([new RuntimeSetting { Name = name, Value = "1" }]), problem => problem.Field == "spec.app.settings[0].name");
        Assert.Contains("the operator derives this setting from other fields", CelRules.FindBroken(V1Alpha1ShortenerRegion.KubeKind, spec, old: null));
    }
}
