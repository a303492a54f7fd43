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
    [InlineData("""{"volumes": [{"name": "a", "x": "1"}]}""", """{"volumes": [{"name": "z"}, {"name": "a", "x": "1"}]}""", null)]
    [InlineData("""{"containers": [{"name": "runtime"}]}""", """{"containers": [{"name": "proxy", "env": []}, {"name": "runtime"}]}""", null)]
    [InlineData("""{"env": [{"name": "A", "value": "1"}]}""", """{"env": [{"name": "A", "value": "2"}]}""", "env[A].value")]
    [InlineData("""{"env": [{"name": "A"}]}""", """{"env": [{"name": "B"}]}""", "env[A]")]
    [InlineData(
        """{"mounts": [{"name": "v", "mountPath": "/a"}, {"name": "v", "mountPath": "/b"}]}""",
        """{"mounts": [{"name": "v", "mountPath": "/b"}, {"name": "v", "mountPath": "/a"}]}""",
        null
    )]
    // Additions that change what is desired.
    [InlineData("""{"selector": {"a": "1"}}""", """{"selector": {"a": "1", "version": "v2"}}""", "selector.version")]
    [InlineData(
        """{"selector": {"matchLabels": {"a": "1"}}}""",
        """{"selector": {"matchLabels": {"a": "1"}, "matchExpressions": [{}]}}""",
        "selector.matchExpressions"
    )]
    [InlineData("""{"ingress": [{"ports": []}]}""", """{"ingress": [{"ports": [], "from": [{"podSelector": {}}]}]}""", "ingress.from")]
    [InlineData(
        """{"ingress": [{"from": [{"podSelector": {}}]}]}""",
        """{"ingress": [{"from": [{"podSelector": {"matchLabels": {"a": "1"}}}]}]}""",
        "ingress.from.podSelector.matchLabels"
    )]
    [InlineData("""{"env": [{"name": "A", "value": "1"}]}""", """{"env": [{"name": "Z"}, {"name": "A", "value": "1"}]}""", "env[Z]")]
    [InlineData(
        """{"ports": [{"name": "http", "port": 80}]}""",
        """{"ports": [{"name": "http", "port": 80, "nodePort": 1}, {"name": "x", "port": 9}]}""",
        "ports[x]"
    )]
    [InlineData("""{"data": {"A": "1"}}""", """{"data": {"A": "1", "B": "2"}}""", "data.B")]
    [InlineData("""{"containers": [{"name": "r", "args": []}]}""", """{"containers": [{"name": "r", "args": ["x"]}]}""", "containers[r].args")]
    [InlineData("""{"containers": [{"name": "r"}]}""", """{"containers": [{"name": "r", "command": ["sh"]}]}""", "containers[r].command")]
    [InlineData("""{"template": {"spec": {"a": 1}}}""", """{"template": {"spec": {"a": 1, "nodeSelector": {"disk": "ssd"}}}}""", "template.spec.nodeSelector")]
    [InlineData("""{"spec": {"maxUnavailable": 1}}""", """{"spec": {"maxUnavailable": 1, "minAvailable": 9}}""", "spec.minAvailable")]
    [InlineData(
        """{"spec": {"type": "ClusterIP"}}""",
        """{"spec": {"type": "ClusterIP", "publishNotReadyAddresses": true}}""",
        "spec.publishNotReadyAddresses"
    )]
    [InlineData("""{"spec": {"strategy": {}}}""", """{"spec": {"strategy": {}, "minReadySeconds": 9}}""", "spec.minReadySeconds")]
    [InlineData("""{"template": {"spec": {"a": 1}}}""", """{"template": {"spec": {"a": 1, "nodeName": "gone"}}}""", "template.spec.nodeName")]
    [InlineData("""{"template": {"spec": {"a": 1}}}""", """{"template": {"spec": {"a": 1, "readinessGates": [{}]}}}""", "template.spec.readinessGates")]
    [InlineData("""{"template": {"spec": {"a": 1}}}""", """{"template": {"spec": {"a": 1, "hostAliases": [{}]}}}""", "template.spec.hostAliases")]
    [InlineData("""{"resources": {"requests": {"cpu": 1}}}""", """{"resources": {"requests": {"cpu": 1}, "limits": {"memory": "9Mi"}}}""", "resources.limits")]
    [InlineData(
        """{"resources": {"requests": {"cpu": 1}, "limits": {}}}""",
        """{"resources": {"requests": {"cpu": 1, "memory": "9Gi"}}}""",
        "resources.requests.memory"
    )]
    [InlineData("""{"securityContext": {"runAsUser": 1}}""", """{"securityContext": {"runAsUser": 1, "privileged": true}}""", "securityContext.privileged")]
    [InlineData("""{"httpGet": {"path": "/"}}""", """{"httpGet": {"path": "/", "host": "elsewhere"}}""", "httpGet.host")]
    // Lists without: all or nothing.
    [InlineData("""{"args": ["a", "b"]}""", """{"args": ["a", "b"]}""", null)]
    [InlineData("""{"args": ["a"]}""", """{"args": ["a", "b"]}""", "args")]
    [InlineData("""{"args": ["a", "b"]}""", """{"args": ["b", "a"]}""", "args")]
    // Amounts in the server's own words.
    [InlineData("""{"limits": {"cpu": "1000m", "memory": "1024Mi"}}""", """{"limits": {"cpu": "1", "memory": "1Gi"}}""", null)]
    [InlineData("""{"limits": {"cpu": "1000m"}}""", """{"limits": {"cpu": "2"}}""", "limits.cpu")]
    [InlineData("""{"image": "a:1"}""", """{"image": "a:2"}""", "image")]
    public void Find_DesiredAndLive_TellsWhatIsMissing(string desired, string live, string? path) =>
        Assert.Equal(path, Drift.Find(Read(desired), Read(live)) is [var first, ..] ? first.Path : null);

    [Theory]
    // What merges is merged; what is in the way goes, and the rest stays.
    [InlineData("""{"spec": {"a": 1}}""", """{"spec": {"a": 2, "b": 3}, "status": {}}""", """{"spec": {"a": 1, "b": 3}, "status": {}}""")]
    [InlineData("""{"spec": {"selector": {"a": "1"}}}""", """{"spec": {"selector": {"a": "1", "v": "2"}}}""", """{"spec": {"selector": {"a": "1"}}}""")]
    [InlineData(
        """{"spec": {"containers": [{"name": "r", "image": "a"}]}}""",
        """{"spec": {"containers": [{"name": "proxy"}, {"name": "r", "image": "b", "command": ["sh"]}]}}""",
        """{"spec": {"containers": [{"name": "proxy"}, {"name": "r", "image": "a"}]}}"""
    )]
    // A key was edited: the element is there under another key.
    [InlineData(
        """{"spec": {"containers": [{"name": "r", "image": "a"}]}}""",
        """{"spec": {"containers": [{"name": "edited", "image": "a"}]}}""",
        """{"spec": {"containers": [{"name": "r", "image": "a"}]}}"""
    )]
    public void Repair_OfAdditions_KeepsWhatDoesNoHarm(string desired, string live, string repaired) =>
        AssertJson(repaired, Drift.Repair(Read(desired), Read(live), isComplete: false));

    [Theory]
    [InlineData(
        """{"spec": {"ports": [{"name": "http", "port": 80}]}}""",
        """{"spec": {"clusterIP": "10.0.0.1", "ports": [{"name": "http", "port": 81, "nodePort": 30000}]}}""",
        """{"spec": {"clusterIP": "10.0.0.1", "ports": [{"name": "http", "port": 80, "nodePort": 30000}]}}"""
    )]
    [InlineData(
        """{"spec": {"template": {"metadata": {"labels": {"a": "1"}}, "spec": {"volumes": [{"name": "tmp", "emptyDir": {}}]}}}}""",
        """
            {"metadata": {"labels": {"team": "x"}}, "spec": {"replicas": 3, "template": {"metadata": {"annotations": {"restartedAt": "now"}, "labels": {}},
              "spec": {"volumes": [{"name": "tmp", "hostPath": {}}, {"name": "more"}]}}}, "status": {}}
            """,
        """
            {"metadata": {"labels": {"team": "x"}}, "spec": {"replicas": 3, "template": {"metadata": {"annotations": {"restartedAt": "now"}, "labels": {"a": "1"}},
              "spec": {"volumes": [{"name": "tmp", "emptyDir": {}}]}}}, "status": {}}
            """
    )]
    public void Repair_Complete_RemovesAdditionsExceptMetadataAndWhatTheServerSets(string desired, string live, string repaired) =>
        AssertJson(repaired, Drift.Repair(Read(desired), Read(live), isComplete: true));

    private static void AssertJson(string expected, JsonObject actual) =>
        Assert.True(JsonNode.DeepEquals(Read(expected), actual), $"{expected.Trim()} was expected, not {actual.ToJsonString()}");

    private static JsonObject Read(string json) => JsonNode.Parse(json)!.AsObject();
}
