using System.Text.Json;
using System.Text.Json.Nodes;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Webhooks;
using Xunit;

namespace UrlShortener.Operator.Tests.Webhooks;

public sealed class AdmissionPolicyTests
{
    private const string TooMany = """{"app": {"minReplicas": 10, "maxReplicas": 5}}""";

    [Fact]
    public void Create_BadSpecification_NamesEveryProblem()
    {
        var decision = Judge("CREATE", Region("""{"app": {"minReplicas": 10, "maxReplicas": 5}, "traffic": {"publicBaseUrl": "https://sho.rt:99999"}}"""));
        Assert.Equal(422, decision.Code);
        Assert.Contains(
            "spec.app.minReplicas: is 10, above spec.app.maxReplicas (5). Lower it, or raise maxReplicas.",
            decision.Refusal,
            StringComparison.Ordinal
        );
        Assert.Contains("spec.traffic.publicBaseUrl: is https://sho.rt:99999", decision.Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void Create_GoodSpecification_PassesWithWarnings()
    {
        var decision = Judge("CREATE", Region("""{"app": {"image": "shortener"}}"""));
        Assert.Null(decision.Refusal);
        Assert.Contains(decision.Warnings, warning => warning.Contains("spec.app.image", StringComparison.Ordinal));
    }

    [Fact]
    public void Update_OfTheRegionsName_IsRefused() =>
        Assert.Contains(
            "cannot be changed from eu-west to us",
            Judge("UPDATE", Region("""{"region": "us"}"""), Region("{}")).Refusal,
            StringComparison.Ordinal
        );

    [Theory]
    [InlineData("my.region", false)]
    [InlineData("1eu", false)]
    [InlineData("eu-1", true)]
    public void Create_NameOfNoService_IsRefused(string name, bool isAllowed)
    {
        var region = Region("{}");
        region["metadata"]!["name"] = name;

        Assert.Equal(isAllowed, Judge("CREATE", region).Refusal?.Contains($"metadata.name: is {name}", StringComparison.Ordinal) is null);
        Assert.Null(Judge("UPDATE", region, Region("{}")).Refusal);
    }

    // What was stored without admission must not keep its finalizers and labels for ever.
    [Fact]
    public void Update_OfLabelsOfABadObject_Passes()
    {
        var changed = Region(TooMany);
        changed["metadata"]!["labels"] = new JsonObject { ["a"] = "b" };
        Assert.Equal(AdmissionDecision.Allowed, Judge("UPDATE", changed, Region(TooMany)));
    }

    [Fact]
    public void Update_OfAnObjectThatIsBeingDeleted_Passes()
    {
        var changed = Region(TooMany);
        changed["metadata"]!["deletionTimestamp"] = "2030-01-31T12:00:00Z";
        Assert.Null(Judge("UPDATE", changed, Region("{}")).Refusal);
    }

    [Fact]
    public void Create_WithAValueOfAnotherType_IsRefusedAsUnreadable() =>
        Assert.StartsWith(
            "This version of the operator cannot read the object",
            Judge("CREATE", Region("""{"app": {"maxReplicas": "many"}}""")).Refusal,
            StringComparison.Ordinal
        );

    [Fact]
    public void Create_WithoutAnObject_IsRefused() =>
        Assert.NotNull(AdmissionPolicies.Find(Resource(V1Alpha1KeyPool.KubePlural))!.Judge(new AdmissionRequest { Operation = "CREATE" }).Refusal);

    [Theory]
    [InlineData("eu-west@3", null)]
    // A manifest in a repository may keep the value of an earlier promotion.
    [InlineData("eu-west@1", null)]
    [InlineData("", null)]
    [InlineData("true", "is \"true\", which is not the name of this region, an @ and an epoch.")]
    [InlineData("us@3", "use eu-west@<status.topology.epoch>, which is eu-west@3 now.")]
    [InlineData("eu-west@+3", "is \"eu-west@+3\"")]
    [InlineData("eu-west@4", "the current epoch is 3. To promote the region, use eu-west@3.")]
    public void Update_OfTheRequestToPromote_IsJudgedByItsValue(string value, string? words)
    {
        var old = Region(TooMany);
        old["status"] = new JsonObject
        {
            ["topology"] = new JsonObject { ["primaryRegion"] = "us", ["epoch"] = 3 },
        };
        var changed = old.DeepClone().AsObject();
        changed["metadata"]!["annotations"] = new JsonObject { [Labels.Promote] = value };

        var refusal = Judge("UPDATE", changed, old).Refusal;

        if (words is null)
            Assert.Null(refusal);
        else
            Assert.Contains(words, refusal, StringComparison.Ordinal);
        // What is stored does not keep anybody from other changes.
        var labelled = changed.DeepClone().AsObject();
        labelled["metadata"]!["labels"] = new JsonObject { ["a"] = "b" };
        Assert.Null(Judge("UPDATE", labelled, changed).Refusal);
    }

    [Fact]
    public void Create_WithARequestToPromote_IsJudgedByItsForm()
    {
        var region = Region("{}");
        region["metadata"]!["annotations"] = new JsonObject { [Labels.Promote] = "eu-west@7" };
        Assert.Null(Judge("CREATE", region).Refusal);
        region["metadata"]!["annotations"] = new JsonObject { [Labels.Promote] = "yes" };
        Assert.Contains("metadata.annotations[urlshortener.dev/promote]: is \"yes\"", Judge("CREATE", region).Refusal, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2", true)]
    [InlineData("0", false)]
    [InlineData("two", false)]
    public void Update_OfTheEpochToOpen_IsJudgedByItsValue(string value, bool isAllowed)
    {
        var old = SpecJson.Object("KeyPool", "a", "main", SpecJson.Minimal("KeyPool"));
        var changed = old.DeepClone().AsObject();
        changed["metadata"]!["annotations"] = new JsonObject { [Labels.OpenEpoch] = value };
        var request = new AdmissionRequest
        {
            Operation = "UPDATE",
            Object = Element(changed),
            OldObject = Element(old),
        };
        Assert.Equal(isAllowed, AdmissionPolicies.Find(Resource(V1Alpha1KeyPool.KubePlural))!.Judge(request).Refusal is null);
    }

    [Theory]
    [InlineData("Primary", "eu-west", null, "kubernetes-admin", false)]
    [InlineData("Primary", "eu-west", "eu-west", "kubernetes-admin", true)]
    [InlineData("Primary", "eu-west", "eu-east", "kubernetes-admin", false)]
    [InlineData("Primary", "eu-west", null, "system:serviceaccount:kube-system:namespace-controller", true)]
    [InlineData("Primary", null, null, "kubernetes-admin", true)]
    [InlineData("Standby", "eu-east", null, "kubernetes-admin", true)]
    public void Delete_ByRole_IsRefusedForTheGroupsPrimary(string role, string? primaryRegion, string? annotation, string user, bool isAllowed)
    {
        var region = Region("{}");
        region["status"] = new JsonObject { ["role"] = role };
        if (primaryRegion is not null)
            region["status"]!["topology"] = new JsonObject { ["primaryRegion"] = primaryRegion };
        if (annotation is not null)
            region["metadata"]!["annotations"] = new JsonObject { [Labels.AllowDeletePrimary] = annotation };
        var request = new AdmissionRequest
        {
            Operation = "DELETE",
            OldObject = Element(region),
            UserInfo = new AdmissionUser { Username = user },
        };
        Assert.Equal(isAllowed, Regions().Judge(request).Refusal is null);
    }

    [Fact]
    public void Delete_OfAKeyPool_Passes() =>
        Assert.Null(
            AdmissionPolicies
                .Find(Resource(V1Alpha1KeyPool.KubePlural))!
                .Judge(new AdmissionRequest { Operation = "DELETE", OldObject = Element(SpecJson.Object("KeyPool", "a", "main", SpecJson.Minimal("KeyPool"))) })
                .Refusal
        );

    [Theory]
    [InlineData(20, true)]
    [InlineData(21, false)]
    public void Scale_OfARegion_IsJudgedWithTheRest(int replicas, bool isAllowed) =>
        Assert.Equal(isAllowed, Regions().JudgeScale(Element(Region("{}")), replicas).Refusal is null);

    [Fact]
    public void Find_KindOfAnotherGroup_IsNotOurs() =>
        Assert.Null(AdmissionPolicies.Find(new AdmissionResource { Group = "apps", Resource = V1Alpha1KeyPool.KubePlural }));

    private static IAdmissionPolicy Regions() => AdmissionPolicies.Find(Resource(V1Alpha1ShortenerRegion.KubePlural))!;

    private static AdmissionResource Resource(string plural) => new() { Group = ApiGroup.Name, Resource = plural };

    private static AdmissionDecision Judge(string operation, JsonObject written, JsonObject? old = null) =>
        Regions()
            .Judge(
                new AdmissionRequest
                {
                    Operation = operation,
                    Object = Element(written),
                    OldObject = old is null ? null : Element(old),
                }
            );

    private static JsonObject Region(string patch) =>
        SpecJson.Object(
            V1Alpha1ShortenerRegion.KubeKind,
            "a",
            "eu",
            SpecJson.Merge(SpecJson.Minimal(V1Alpha1ShortenerRegion.KubeKind), JsonNode.Parse(patch))!
        );

    private static JsonElement Element(JsonNode node) => JsonSerializer.SerializeToElement(node);
}
