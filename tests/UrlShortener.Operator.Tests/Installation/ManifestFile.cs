using System.Text.Json.Nodes;
using UrlShortener.TestServers;
using Xunit;
using YamlDotNet.Serialization;

namespace UrlShortener.Operator.Tests.Installation;

/// <summary>The YAML files that install the operator, as a user has them.</summary>
internal static class ManifestFile
{
    /// <summary>The file that names the others.</summary>
    public const string Root = "kustomization.yaml";

    private static readonly IDeserializer Reader = new DeserializerBuilder().WithAttemptingUnquotedStringTypeDeserialization().Build();
    private static readonly ISerializer Writer = new SerializerBuilder().JsonCompatible().Build();

    /// <summary>The objects in a file of the checkout.</summary>
    public static IReadOnlyList<JsonObject> Read(string path) => Parse(File.ReadAllText(Checkout.PathOf(path)));

    /// <summary>The objects in a text.</summary>
    public static IReadOnlyList<JsonObject> Parse(string text) =>
        [.. text.Split("\n---\n").Select(part => JsonNode.Parse(Writer.Serialize(Reader.Deserialize<object>(part)))!.AsObject())];

    /// <summary>The one object in a file.</summary>
    public static JsonObject ReadOne(string path) => Assert.Single(Read(path));

    /// <summary>Paths of the files that are installed.</summary>
    public static IReadOnlyList<string> Installed() => Texts(ReadOne(Root)["resources"]);

    /// <summary>All objects that are installed.</summary>
    public static IReadOnlyList<JsonObject> ReadInstalled() => [.. Installed().SelectMany(Read)];

    /// <summary>Files below a folder, as paths in the checkout.</summary>
    public static IReadOnlyList<string> FilesIn(string folder) =>
        [
            .. Directory
                .GetFiles(Checkout.PathOf(folder), "*", SearchOption.AllDirectories)
                .Select(file => Path.GetRelativePath(Checkout.PathOf("."), file))
                .Order(StringComparer.Ordinal),
        ];

    /// <summary>A list of texts; empty when it is not there.</summary>
    public static IReadOnlyList<string> Texts(JsonNode? list) => [.. (list?.AsArray() ?? []).Select(one => (string)one!)];
}
