using System.Reflection;
using System.Text.Json.Nodes;
using k8s;
using k8s.Autorest;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Schema;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Pods;
using Xunit;

namespace UrlShortener.Operator.Tests.Validation;

public sealed class RuleTests(ApiServerFixture servers)
{
    public static TheoryData<int> Indexes => [.. Enumerable.Range(0, RuleSample.All.Count)];

    [Fact]
    public void Rules_OfTheTypes_EachHasASample()
    {
        var rules = typeof(RegionSpec)
            .Assembly.GetTypes()
            .SelectMany(type =>
                type.GetCustomAttributes<RuleAttribute>(inherit: false)
                    .Concat(type.GetProperties().SelectMany(property => property.GetCustomAttributes<RuleAttribute>()))
            )
            .Select(rule => rule.Message)
            .ToHashSet(StringComparer.Ordinal);
        Assert.Equal(
            rules.Order(StringComparer.Ordinal),
            RuleSample.All.Select(sample => sample.Rule).OfType<string>().Distinct().Order(StringComparer.Ordinal)
        );
    }

    [Theory]
    [MemberData(nameof(Indexes))]
    public void Check_Sample_RefusesTheBadOneOnly(int index)
    {
        var sample = RuleSample.All[index];
        Assert.Contains(sample.Check(sample.Bad), problem => problem.Field == sample.Field);
        Assert.Empty(sample.Check(sample.Good));
    }

    [Theory]
    [MemberData(nameof(Indexes))]
    public void Cel_Sample_RefusesTheBadOneOnly(int index)
    {
        var sample = RuleSample.All[index];
        var old = sample.Old is null ? null : sample.SpecOf(sample.Old);
        var broken = CelRules.FindBroken(sample.Kind, sample.SpecOf(sample.Bad), old);
        Assert.True(sample.Rule is null ? broken.Count == 0 : broken.Contains(sample.Rule), string.Join('\n', broken));
        Assert.Empty(CelRules.FindBroken(sample.Kind, sample.SpecOf(sample.Good), old));
    }

    [Fact]
    public void Check_BadSample_SaysWhatToDoInSentences()
    {
        var problems = RuleSample.All.SelectMany(sample => sample.Check(sample.Bad)).ToList();
        Assert.All(
            problems,
            problem =>
            {
                Assert.StartsWith("spec.", problem.Field, StringComparison.Ordinal);
                Assert.EndsWith(".", problem.Message, StringComparison.Ordinal);
                Assert.StartsWith($"{problem.Field}: ", problem.ToString(), StringComparison.Ordinal);
            }
        );
    }

    [Fact]
    public async Task ApiServer_Samples_AllowedByTheSchema()
    {
        var cluster = await servers.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("rules", TestContext.Current.CancellationToken);
        foreach (var (index, sample) in RuleSample.All.Index())
        {
            var name = $"good-{index}";
            if (sample.Old is not null)
                await client.CreateAsync(SpecJson.Object(sample.Kind, space.Name, name, sample.SpecOf(sample.Old)));
            var item = SpecJson.Object(sample.Kind, space.Name, name, sample.SpecOf(sample.Good));
            await (sample.Old is null ? client.CreateAsync(item) : client.ChangeAsync(item));
            // What rules refuse, the schema without them takes: the refusal then is the operator's.
            if (sample.Rule is null)
                await client.CreateAsync(SpecJson.Object(sample.Kind, space.Name, $"bad-{index}", sample.SpecOf(sample.Bad)));
        }
    }

    [Fact]
    public async Task ApiServer_BadSamples_RefusedWithTheRulesWords()
    {
        var cluster = await servers.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("rules", TestContext.Current.CancellationToken);
        foreach (var (index, sample) in RuleSample.All.Index().Where(entry => entry.Item.Rule is not null))
        {
            var name = $"bad-{index}";
            if (sample.Old is not null)
                await client.CreateAsync(SpecJson.Object(sample.Kind, space.Name, name, sample.SpecOf(sample.Old)));
            var item = SpecJson.Object(sample.Kind, space.Name, name, sample.SpecOf(sample.Bad));
            var refusal = await KubernetesObjects.RefusalAsync(() => sample.Old is null ? client.CreateAsync(item) : client.ChangeAsync(item));
            Assert.Contains(sample.Rule!, refusal, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task ApiServer_RedisOutOfBounds_RefusedWithTheFieldAndTheBound()
    {
        var cluster = await servers.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("rules", TestContext.Current.CancellationToken);
        var samples = new (string Field, string Value, string Bound)[]
        {
            ("shards", "0", "greater than or equal to 3"),
            ("shards", "2", "greater than or equal to 3"),
            ("shards", "1000", "less than or equal to 16"),
            ("replicasPerShard", "-1", "greater than or equal to 1"),
            ("replicasPerShard", "3", "less than or equal to 2"),
            ("nodeTimeoutMillis", "0", "greater than or equal to 1000"),
            ("nodeTimeoutMillis", "-1", "greater than or equal to 1000"),
            ("nodeTimeoutMillis", "60000", "less than or equal to 15000"),
            ("image", "\"\"", "at least 1 chars long"),
            ("image", "\"redis 7\"", "should match"),
            ("image", "null", "Required value"),
            ("maxMemory", "\"-1Gi\"", "should match"),
            ("maxMemory", "\"much\"", "should match"),
        };
        foreach (var (index, (field, value, bound)) in samples.Index())
        {
            var patch = JsonNode.Parse($$"""{ "redis": { "image": "redis:7.2" } }""");
            patch!["redis"]![field] = JsonNode.Parse(value);
            var item = SpecJson.Object(
                V1Alpha1ShortenerRegion.KubeKind,
                space.Name,
                $"bad-{index}",
                SpecJson.Merge(SpecJson.Minimal(V1Alpha1ShortenerRegion.KubeKind), patch)!
            );
            var refusal = await KubernetesObjects.RefusalAsync(() => client.CreateAsync(item));
            Assert.Contains($"spec.redis.{field}", refusal, StringComparison.Ordinal);
            Assert.Contains(bound, refusal, StringComparison.Ordinal);
        }
    }

    /// <summary>What the rules of pods refuse, the API server refuses too, in the Deployment that the operator would make of it; and the other way round.</summary>
    [Fact]
    public async Task ApiServer_PodsOfSamples_RefusedAsTheRulesSay()
    {
        var cluster = await servers.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("rules", TestContext.Current.CancellationToken);
        string[] fields = ["spec.app.resources", "spec.app.topologySpreadConstraints", "spec.app.tolerations"];
        var samples = RuleSample.All.Where(sample => fields.Any(field => sample.Field.StartsWith(field, StringComparison.Ordinal))).ToList();
        Assert.NotEmpty(samples);
        var accepted = new List<string>();
        foreach (var sample in samples)
        {
            await CreateAsync(sample.Good);
            if (await Record.ExceptionAsync(() => CreateAsync(sample.Bad)) is not HttpOperationException)
                accepted.Add(sample.Bad.ToJsonString());

            Task<V1Deployment> CreateAsync(JsonObject patch)
            {
                var spec = SpecJson.Read<RegionSpec>(sample.SpecOf(patch));
                var region = new V1Alpha1ShortenerRegion
                {
                    Metadata = new V1ObjectMeta { Name = "eu" },
                    Spec = spec,
                };
                var pods = RuntimePod.Build(region, new RuntimeProcess("eu", Names.App, spec.App.Image, [], spec.App.Resources, "digest"));
                var deployment = new V1Deployment
                {
                    Metadata = new V1ObjectMeta { Name = "eu-app" },
                    Spec = Workload.BuildDeployment(Labels.SelectorOf("eu", Names.App), pods),
                };
                return client.AppsV1.CreateNamespacedDeploymentAsync(
                    deployment,
                    space.Name,
                    dryRun: "All",
                    cancellationToken: TestContext.Current.CancellationToken
                );
            }
        }

        Assert.Empty(accepted);
    }
}
