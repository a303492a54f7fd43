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

    public static TheoryData<string> Secrets => [.. SettingRules.SecretNames];

    [Theory]
    [MemberData(nameof(Names))]
    public void Check_ReservedSetting_IsRefusedByBoth(string name)
    {
        Assert.Contains(SettingRules.Check([new RuntimeSetting { Name = name, Value = "1" }]), problem => problem.Field == "spec.app.settings[0].name");
        Assert.Contains("the operator derives this setting from other fields", FindBroken(name));
    }

    [Theory]
    [MemberData(nameof(Secrets))]
    public void Check_SecretSettingInPlainText_IsRefusedByBoth(string name)
    {
        Assert.Contains(SettingRules.Check([new RuntimeSetting { Name = name, Value = "1" }]), problem => problem.Field == "spec.app.settings[0].value");
        Assert.Contains("this setting is secret; use secretRef", FindBroken(name));
    }

    // Traces, like most settings, are the user's own.
    [Theory]
    [InlineData("Tracing:Endpoint")]
    [InlineData("Tracing:SampleRatio")]
    public void Check_SettingOfTraces_IsTheUsers(string name)
    {
        Assert.Empty(SettingRules.Check([new RuntimeSetting { Name = name, Value = "1" }]));
        Assert.Empty(FindBroken(name));
    }

    private static IEnumerable<string> FindBroken(string name) =>
        CelRules.FindBroken(
            V1Alpha1ShortenerRegion.KubeKind,
            SpecJson
                .Merge(
                    SpecJson.Minimal(V1Alpha1ShortenerRegion.KubeKind),
                    new JsonObject { ["app"] = new JsonObject { ["settings"] = new JsonArray(new JsonObject { ["name"] = name, ["value"] = "1" }) } }
                )!
                .AsObject(),
            old: null
        );
}
