using System.Text.Json.Nodes;
using UrlShortener.Operator.Apply;
using Xunit;

namespace UrlShortener.Operator.Tests.Apply;

public sealed class DriftTests
{
    [Theory]
    // Same, and with what the server or others added.
    [InlineData("""{"a": 1, "b": {"c": "x"}}""", """{"a": 1, "b": {"c": "x"}}""", null)]
    [InlineData("""{"a": 1}""", """{"a": 1, "default": true}""", null)]
    [InlineData("""{"labels": {"a": "1"}}""", """{"labels": {"a": "1", "theirs": "2"}}""", null)]
    [InlineData("""{"empty": {}, "none": []}""", "{}", null)]
    // Changed and gone.
    [InlineData("""{"a": 1}""", """{"a": 2}""", "a")]
    [InlineData("""{"a": {"b": {"c": 1}}}""", """{"a": {"b": {}}}""", "a.b.c")]
    [InlineData("""{"a": {"b": 1}}""", "{}", "a")]
    [InlineData("""{"a": "x"}""", """{"a": ["x"]}""", "a")]
    // Lists whose elements have names: others may stand among them.
    [InlineData("""{"env": [{"name": "A", "value": "1"}]}""", """{"env": [{"name": "Z"}, {"name": "A", "value": "1"}]}""", null)]
    [InlineData("""{"env": [{"name": "A", "value": "1"}]}""", """{"env": [{"name": "A", "value": "2"}]}""", "env[A].value")]
    [InlineData("""{"env": [{"name": "A"}]}""", """{"env": [{"name": "B"}]}""", "env[A]")]
    [InlineData(
        """{"mounts": [{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/b"}]}""",
        """{"mounts": [{"name": "v", "mountPath": "/b"}, {"name": "v", "mountPath": "/a"}]}""",
        null
    )]
    // Lists without: all or nothing.
    [InlineData("""{"args": ["a", "b"]}""", """{"args": ["a", "b"]}""", null)]
    [InlineData("""{"args": ["a"]}""", """{"args": ["a", "b"]}""", "args")]
    [InlineData("""{"args": ["a", "b"]}""", """{"args": ["b", "a"]}""", "args")]
    // Amounts in the server's own words.
    [InlineData("""{"limits": {"cpu": "1000m", "memory": "1024Mi"}}""", """{"limits": {"cpu": "1", "memory": "1Gi"}}""", null)]
    [InlineData("""{"limits": {"cpu": "1000m"}}""", """{"limits": {"cpu": "2"}}""", "limits.cpu")]
    [InlineData("""{"image": "a:1"}""", """{"image": "a:2"}""", "image")]
    public void Find_DesiredAndLive_TellsWhatIsMissing(string desired, string live, string? path) =>
        Assert.Equal(path, Drift.Find(JsonNode.Parse(desired)!.AsObject(), JsonNode.Parse(live)!.AsObject()));
}
