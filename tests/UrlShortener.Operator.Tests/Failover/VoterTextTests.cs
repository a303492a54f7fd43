using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Failover;
using Xunit;

namespace UrlShortener.Operator.Tests.Failover;

public sealed class VoterTextTests
{
    private static readonly TopologyRecord Record = new()
    {
        Epoch = 7,
        Phase = TopologyPhase.Promoting,
        Region = "eu",
        Former = "us",
        Home = "ap",
        IsPlanned = true,
        IsGuarded = true,
        Voters = new Voters(["eu", "us"], ["ap", "eu", "us"]),
        AutomaticMoves = [1, 2],
        MovedAt = 1_764_460_000_123,
        TookMillis = 3_100,
        Reason = "Region \"us\" is lost.",
    };

    [Fact]
    public void Text_OfARecord_IsReadAsItWas()
    {
        foreach (
            var vote in new[]
            {
                VoterRecord.Empty,
                new VoterRecord(new Ballot(9, "op@1"), new Ballot(8, ""), Record),
                new VoterRecord(
                    new Ballot(9, "b"),
                    new Ballot(8, "a"),
                    new TopologyRecord
                    {
                        Epoch = 0,
                        Phase = TopologyPhase.Stable,
                        Region = "eu",
                        Voters = Voters.Of(["eu"]),
                    }
                ),
            }
        )
            Assert.Equal(vote, VoterText.Read(VoterText.Write(vote)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{")]
    [InlineData("""{ "promised": "1@a" }""")]
    [InlineData("""{ "promised": 1, "ballot": "1@a" }""")]
    [InlineData("""{ "promised": "-1@a", "ballot": "1@a" }""")]
    [InlineData("""{ "promised": "99999999999999999999@a", "ballot": "1@a" }""")]
    [InlineData("""{ "promised": "1@a", "ballot": "1@a", "value": [] }""")]
    [InlineData("""{ "promised": "1@a", "ballot": "1@a", "value": { "epoch": 1, "phase": "1", "region": "eu", "voters": { "current": ["eu"] } } }""")]
    [InlineData("""{ "promised": "1@a", "ballot": "1@a", "value": { "epoch": "1", "phase": "Stable", "region": "eu", "voters": { "current": ["eu"] } } }""")]
    [InlineData("""{ "promised": "1@a", "ballot": "1@a", "value": { "phase": "Stable", "region": "eu", "voters": { "current": ["eu"] } } }""")]
    [InlineData("""{ "promised": "1@a", "ballot": "1@a", "value": { "epoch": 1, "phase": "Stable", "region": "eu", "voters": { "current": [] } } }""")]
    [InlineData("""{ "promised": "1@a", "ballot": "1@a", "value": { "epoch": 1, "phase": "Stable", "region": "eu", "voters": { "current": [null] } } }""")]
    // It would have two votes.
    [InlineData(
        """{ "promised": "1@a", "ballot": "1@a", "value": { "epoch": 1, "phase": "Stable", "region": "eu", "voters": { "current": ["eu", "eu"] } } }"""
    )]
    [InlineData(
        """{ "promised": "1@a", "ballot": "1@a", "value": { "epoch": 1, "phase": "Stable", "region": "eu", "voters": { "current": ["eu"], "next": ["us", "us"] } } }"""
    )]
    // Somebody has edited it.
    [InlineData("""{ "promised": "1@a", "ballot": "1@a", "ballot": "2@a" }""")]
    [InlineData(
        """{ "promised": "1@a", "ballot": "1@a", "value": { "epoch": 1, "epoch": 2, "phase": "Stable", "region": "eu", "voters": { "current": ["eu"] } } }"""
    )]
    [InlineData(
        """{ "promised": "1@a", "ballot": "1@a", "value": { "epoch": 9223372036854775807, "phase": "Stable", "region": "eu", "voters": { "current": ["eu"] } } }"""
    )]
    [InlineData(
        """{ "promised": "1@a", "ballot": "1@a", "value": { "epoch": 1, "phase": "Stable", "region": "eu", "voters": { "current": ["eu"] }, "movedAt": 9223372036854775807 } }"""
    )]
    [InlineData(
        """{ "promised": "1@a", "ballot": "1@a", "value": { "epoch": 1, "phase": "Stable", "region": "eu", "voters": { "current": ["eu"] }, "automaticMoves": [253402300799] } }"""
    )]
    public void Text_ThatIsSomethingElse_IsNoRecord(string text) => Assert.Null(VoterText.Read(text));

    [Fact]
    public void Text_CutAnywhere_IsNoRecordAndNoError()
    {
        var text = VoterText.Write(new VoterRecord(new Ballot(9, "a"), new Ballot(8, "b"), Record));
        for (var length = 0; length < text.Length; length++)
            Assert.Null(VoterText.Read(text[..length]));
    }

    [Theory]
    [InlineData("""{"epoch":7,"lease":true,"writable":false,"fencedAt":"16/B374D848"}""", true)]
    [InlineData("""{"writable":true}""", true)]
    [InlineData("""{"epoch":7}""", false)]
    [InlineData("""{"epoch":7,"writable":true,"writable":false}""", false)]
    [InlineData("""{"epoch":"7","writable":true}""", false)]
    [InlineData("""[]""", false)]
    [InlineData("""{""", false)]
    public void Report_OfAGuard_IsReadOrNoReport(string text, bool isReport)
    {
        var pod = new V1Pod { Metadata = new V1ObjectMeta { Annotations = new Dictionary<string, string> { [Labels.WriteGuard] = text } } };
        Assert.Equal(isReport, GuardReport.Of(pod) is not null);
    }

    [Fact]
    public void Positions_AreReadAsPostgresWritesThem()
    {
        Assert.Equal(0x16_B374D848ul, GuardReport.ReadPosition("16/B374D848"));
        Assert.Null(GuardReport.ReadPosition("16"));
        Assert.Null(GuardReport.ReadPosition("x/1"));
        Assert.Null(GuardReport.ReadPosition(null));
    }

    [Fact]
    public void Places_WrittenForGuards_AreReadAgain()
    {
        var places = new Dictionary<string, VoterPlace> { ["eu"] = new("prod", "eu-topology"), ["us"] = new("prod-us", "us-topology") };
        Assert.Equal(places, VoterPlace.ReadGuard(VoterPlace.WriteGuard("eu", true, places)));
        Assert.Empty(VoterPlace.ReadGuard("{"));
        Assert.Empty(VoterPlace.ReadGuard(null));
    }
}
