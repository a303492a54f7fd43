using System.Collections.Immutable;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Failover;
using UrlShortener.TestServers;
using UrlShortener.TestServers.Processes;
using Xunit;

namespace UrlShortener.Operator.Tests.Failover;

/// <summary>
/// The rules of the write lease exist twice: here, where the operator counts on them, and in the guard beside each PostgreSQL (config/images/postgres/guard.py).
/// Both pass one table of cases.
/// </summary>
public sealed class LeaseCasesTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
    private static readonly string Table = Checkout.PathOf("tests/UrlShortener.Operator.Tests/Failover/lease-cases.json");

    [Fact]
    public void Operator_EachCase_FindsTheRecordAndTheRight()
    {
        using var table = JsonDocument.Parse(File.ReadAllText(Table));
        var records = table.RootElement.GetProperty("records").EnumerateObject().ToDictionary(record => record.Name, record => ReadRecord(record.Value));
        var cases = table.RootElement.GetProperty("cases").EnumerateArray().ToList();
        Assert.NotEmpty(cases);
        Assert.All(cases, one => Check(one, records));
    }

    // What the guard alone has to decide is in the program of the test, too.
    [Fact]
    public async Task Guard_EachCase_FindsTheRecordAndTheRight()
    {
        Assert.SkipWhen(Programs.FindFolder(["python3"]) is null, "This machine has no Python.");
        var token = TestContext.Current.CancellationToken;
        var rules = Checkout.PathOf("tests/UrlShortener.Operator.Tests/Failover/guard_rules.py");
        var guard = Checkout.PathOf("config/images/postgres/guard.py");
        var start = new ProcessStartInfo("python3", [rules, guard, Table]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        using var process = Process.Start(start)!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(token);
        limit.CancelAfter(Limit);
        try
        {
            var errors = process.StandardError.ReadToEndAsync(limit.Token);
            var text = await process.StandardOutput.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            Assert.True(process.ExitCode == 0, text + await errors);
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }
    }

    // The guard derives the name of the object from that of its pod, because another variable would replace all members.
    [Theory]
    [InlineData("eu")]
    [InlineData("a-region-whose-name-is-longer-than-the-names-of-its-objects-may-be")]
    public void ObjectOfAMember_IsThatOfItsRegion(string region) =>
        Assert.Equal(Names.Of(region, "topology"), Names.Of(region, Names.Postgres)[..^Names.Postgres.Length] + "topology");

    private static void Check(JsonElement one, Dictionary<string, TopologyRecord> records)
    {
        var (name, region) = (one.GetProperty("name").GetString()!, one.GetProperty("region").GetString()!);
        var lease = WriteLease.None;
        foreach (var step in one.GetProperty("steps").EnumerateArray())
        {
            var votes = step.GetProperty("votes").EnumerateObject().ToDictionary(vote => vote.Name, vote => ReadVote(vote.Value, records));
            lease = lease.Renew(region, Seconds(step.GetProperty("began").GetDouble()), votes);
            Assert.Equal(step.GetProperty("chosen").GetString(), ChosenRecord.Find(votes)?.Ballot.ToString());
            Assert.Equal(step.GetProperty("epoch").GetInt64(), lease.Epoch);
            foreach (var held in step.GetProperty("held").EnumerateObject())
            {
                var now = Seconds(double.Parse(held.Name, CultureInfo.InvariantCulture));
                Assert.True(held.Value.GetBoolean() == lease.IsHeld(now), $"{name}: at {held.Name}");
                if (step.TryGetProperty("heldForever", out var heldForever))
                    Assert.True(heldForever.GetBoolean() == lease.IsHeld(now, runsOut: false), $"{name}: at {held.Name}, if it does not run out");
            }
        }
    }

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    private static VoterRecord ReadVote(JsonElement vote, Dictionary<string, TopologyRecord> records)
    {
        var parts = vote[0].GetString()!.Split('@', 2);
        var ballot = new Ballot(long.Parse(parts[0], CultureInfo.InvariantCulture), parts[1]);
        return new VoterRecord(ballot, ballot, vote[1].GetString() is { } record ? records[record] : null);
    }

    private static TopologyRecord ReadRecord(JsonElement record)
    {
        var voters = record.GetProperty("voters");
        return new TopologyRecord
        {
            Epoch = record.GetProperty("epoch").GetInt64(),
            Phase = Enum.Parse<TopologyPhase>(record.GetProperty("phase").GetString()!),
            Region = record.GetProperty("region").GetString()!,
            Voters = new Voters(ReadNames(voters.GetProperty("current")), voters.TryGetProperty("next", out var next) ? ReadNames(next) : null),
        };
    }

    private static ImmutableArray<string> ReadNames(JsonElement names) => [.. names.EnumerateArray().Select(name => name.GetString()!)];
}
