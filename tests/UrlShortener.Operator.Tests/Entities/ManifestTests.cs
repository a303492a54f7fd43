using System.Text.Json.Nodes;
using UrlShortener.Operator.Manifests;
using UrlShortener.TestServers;
using Xunit;

namespace UrlShortener.Operator.Tests.Entities;

public sealed class ManifestTests
{
    public static TheoryData<string> Files => [.. ManifestsCommand.BuildFiles().Keys];

    [Theory]
    [MemberData(nameof(Files))]
    public async Task CommittedFile_OfTheTypes_IsWhatTheyMake(string path)
    {
        var committed = await File.ReadAllTextAsync(Checkout.PathOf(path), TestContext.Current.CancellationToken);
        Assert.True(ManifestsCommand.BuildFiles()[path] == committed, $"{path} is not what the code makes. Run `make manifests` and commit the result.");
    }

    [Fact]
    public void CommittedFiles_InTheFolder_AreAllMade() =>
        Assert.Equal(
            ManifestsCommand
                .BuildFiles()
                .Keys.Where(file => file.StartsWith(ManifestsCommand.CrdFolder, StringComparison.Ordinal))
                .Order(StringComparer.Ordinal),
            Directory
                .GetFiles(Checkout.PathOf(ManifestsCommand.CrdFolder))
                .Select(file => $"{ManifestsCommand.CrdFolder}/{Path.GetFileName(file)}")
                .Order(StringComparer.Ordinal)
        );

    [Fact]
    public async Task Command_WithAFolder_WritesTheFiles()
    {
        var folder = Directory.CreateTempSubdirectory("manifests-");
        try
        {
            Assert.Equal(0, await ManifestsCommand.RunAsync(["manifests", folder.FullName], TestContext.Current.CancellationToken));
            Assert.Equal(
                ManifestsCommand.BuildFiles().Keys.Order(StringComparer.Ordinal),
                Directory
                    .GetFiles(folder.FullName, "*", SearchOption.AllDirectories)
                    .Select(file => Path.GetRelativePath(folder.FullName, file))
                    .Order(StringComparer.Ordinal)
            );
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task Command_WithoutAFolder_IsRefused() =>
        Assert.Equal(64, await ManifestsCommand.RunAsync(["manifests"], TestContext.Current.CancellationToken));

    // The API server adds up the cost of rules by these bounds, and refuses definitions whose rules might cost too much.
    [Fact]
    public void Schema_Everywhere_IsBounded() =>
        Assert.All(
            Nodes(),
            node =>
            {
                var (path, schema) = node;
                if (path.EndsWith(".apiVersion", StringComparison.Ordinal) || path.EndsWith(".kind", StringComparison.Ordinal))
                    return;
                switch ((string?)schema["type"])
                {
                    case "string":
                        Assert.True(schema.ContainsKey("maxLength"), $"{path} has no maxLength");
                        break;
                    case "array":
                        Assert.True(schema.ContainsKey("maxItems"), $"{path} has no maxItems");
                        break;
                    case "object" when schema.ContainsKey("additionalProperties"):
                        Assert.True(schema.ContainsKey("maxProperties"), $"{path} has no maxProperties");
                        break;
                }
            }
        );

    [Fact]
    public void Schema_EveryField_IsDescribed() =>
        Assert.All(
            Nodes().Where(node => !node.Path.EndsWith("[]", StringComparison.Ordinal) && !node.Path.EndsWith(".metadata", StringComparison.Ordinal)),
            node => Assert.True(node.Schema.ContainsKey("description"), $"{node.Path} has no description")
        );

    // Rules are compiled with the definition: one that a server does not know makes it refuse the whole. These came after 1.25.
    [Theory]
    [InlineData("quantity(")]
    [InlineData("isQuantity(")]
    [InlineData("ip(")]
    [InlineData("cidr(")]
    [InlineData("optional")]
    [InlineData("format.")]
    public void Rules_Everywhere_AreReadByTheOldestServerWithRules(string newer)
    {
        var rules = Nodes().SelectMany(node => node.Schema["x-kubernetes-validations"]?.AsArray() ?? []).Select(rule => rule!.AsObject()).ToList();
        Assert.NotEmpty(rules);
        Assert.All(
            rules,
            rule =>
            {
                Assert.Equal(["rule", "message"], rule.Select(entry => entry.Key));
                Assert.DoesNotContain(newer, (string)rule["rule"]!, StringComparison.Ordinal);
            }
        );
    }

    // The API server holds a default against the rules of its own field, before it fills in the defaults of the fields below: {} would be refused with the
    // definition.
    [Fact]
    public void Defaults_OfObjects_AreComplete() =>
        Assert.All(
            Nodes().Where(node => node.Schema["default"] is JsonObject && node.Schema["properties"] is JsonObject),
            node =>
                Assert.Equal(
                    node.Schema["properties"]!
                        .AsObject()
                        .Where(field => field.Value!["default"] is not null)
                        .Select(field => $"{field.Key}: {field.Value!["default"]!.ToJsonString()}"),
                    node.Schema["default"]!.AsObject().Select(field => $"{field.Key}: {field.Value!.ToJsonString()}")
                )
        );

    private static IEnumerable<(string Path, JsonObject Schema)> Nodes() =>
        CustomResourceDefinitions
            .BuildAll()
            .Values.SelectMany(definition =>
                Nodes((string)definition["spec"]!["names"]!["kind"]!, definition["spec"]!["versions"]![0]!["schema"]!["openAPIV3Schema"]!.AsObject())
            );

    private static IEnumerable<(string Path, JsonObject Schema)> Nodes(string path, JsonObject schema)
    {
        yield return (path, schema);
        var children = (schema["properties"]?.AsObject() ?? []).Select(entry => ($"{path}.{entry.Key}", entry.Value!.AsObject()));
        if (schema["items"] is JsonObject items)
            children = children.Append(($"{path}[]", items));
        if (schema["additionalProperties"] is JsonObject values)
            children = children.Append(($"{path}[]", values));
        foreach (var node in children.SelectMany(child => Nodes(child.Item1, child.Item2)))
            yield return node;
    }
}
