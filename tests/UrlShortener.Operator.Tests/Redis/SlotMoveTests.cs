using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Redis;
using UrlShortener.Operator.Redis.Cluster;
using UrlShortener.Operator.Redis.Protocol;
using Xunit;

namespace UrlShortener.Operator.Tests.Redis;

/// <summary>The move of slots, without servers.</summary>
public sealed class SlotMoveTests
{
    private static readonly int[] Slots = [0, 4095, 4096, 5460, 5461, 8191, 8192, 10922, 12287, 12288, 16383];

    [Theory]
    [InlineData(3, 4)]
    [InlineData(4, 3)]
    [InlineData(3, 7)]
    [InlineData(6, 3)]
    public async Task Shards_Changed_GetTheirShareWithAllKeys(int from, int to)
    {
        var (cluster, spec) = Create(from, to);

        await cluster.RunAsync(spec);

        Assert.Empty(cluster.FindProblems(spec));
    }

    [Fact]
    public async Task Operator_DiesAfterEachCommandOfASlot_ItsSuccessorCompletesTheMove()
    {
        for (var commands = 1; commands < 60; commands++)
        {
            var (cluster, spec) = Create(3, 4, remaining: 2);
            await cluster.RunAsync(spec, commands);

            await cluster.RunAsync(spec);

            Assert.Empty(cluster.FindProblems(spec).Select(problem => $"after {commands} commands: {problem}"));
        }
    }

    [Fact]
    public void Operator_DiesAgainAndAgainWhileAShardFailsOver_NoKeyIsLost() =>
        Prop.ForAll<bool, byte, (byte Commands, byte Event)[]>(
                async (grows, shard, deaths) =>
                {
                    var (cluster, spec) = grows ? Create(3, 4, remaining: 3) : Create(4, 3, remaining: 3);
                    foreach (var (commands, what) in deaths.Take(8))
                    {
                        await cluster.RunAsync(spec, commands % 90);
                        // A failover while slots move, always on the same side: each side has a part of the keys.
                        if (what % 3 == 0)
                            cluster.FailOver(shard % 4);
                    }

                    await cluster.RunAsync(spec);

                    Assert.Empty(cluster.FindProblems(spec));
                }
            )
            .Check(Config.QuickThrowOnFailure.WithMaxTest(40));

    [Fact]
    public async Task KeyThatIsTooLarge_IsNamedBeforeTheMoveBegins()
    {
        var sent = new List<string>();
        var mover = new SlotMover(
            (pod, _, commands) =>
            {
                sent.AddRange(commands.Select(command => $"{pod} {string.Join(' ', command)}"));
                return Task.FromResult<IReadOnlyList<RedisOutcome>>([
                    .. commands.Select(command =>
                        RedisOutcome.Of(
                            command[0] == "MEMORY"
                                ? RespReply.Of(RespKind.Integer, (SlotMover.LargestKey + 1).ToString(CultureInfo.InvariantCulture))
                                : new RespReply(RespKind.List, "", [RespReply.Of(RespKind.Text, "huge")])
                        )
                    ),
                ]);
            },
            () => false
        );

        var outcome = await mover.MoveAsync(new RedisAction.MoveSlots("r-3-0", "10.0.0.9", "b", "r-0-0", "a", [], [7, 6], IsResumed: false), "secret");

        Assert.Equal((0, 7), (outcome.Moved, outcome.Held?.Slot));
        Assert.Contains("\"huge\"", outcome.Held?.Why, StringComparison.Ordinal);
        Assert.DoesNotContain(sent, command => command.Contains("SETSLOT", StringComparison.Ordinal));
    }

    private static (ModelCluster Cluster, RedisSpec Spec) Create(int from, int to, int? remaining = null)
    {
        var cluster = new ModelCluster(from, to, remaining);
        // The slots that move first are at the ends of shards; some have several batches of keys.
        foreach (var slot in Slots.Concat(Enumerable.Range(0, from).Select(shard => SlotRange.Of(shard, from).Last - 1)))
        {
            for (var key = 0; key < 5; key++)
                cluster.Write(slot, string.Create(CultureInfo.InvariantCulture, $"{slot}/{key}"));
        }

        return (cluster, new RedisSpec { Image = "redis:7.2", Shards = to });
    }
}
