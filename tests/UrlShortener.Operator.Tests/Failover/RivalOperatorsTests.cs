using UrlShortener.Operator.Failover;
using Xunit;

namespace UrlShortener.Operator.Tests.Failover;

/// <summary>
/// Operators of several clusters that all want the same change: attempts that overtake each other fail, and must not do so for ever. Attempts by the product's
/// rules, with requests that take as long as chance wants. FAILOVER_SEEDS explores as many orders of events as it says.
/// </summary>
public sealed class RivalOperatorsTests
{
    private const int Operators = 5;

    private static readonly string[] Names = ["a", "b", "c"];
    private static readonly TimeSpan End = TimeSpan.FromMinutes(5);
    private static readonly int Seeds = int.TryParse(Environment.GetEnvironmentVariable("FAILOVER_SEEDS"), out var seeds) ? seeds : 1000;

    [Theory]
    // With slow requests, most attempts take longer than a turn.
    [InlineData(0.05, 3)]
    [InlineData(0.5, 3)]
    [InlineData(1.9, 3)]
    // The one whose turn is first is away.
    [InlineData(0.5, 2)]
    [InlineData(1.9, 2)]
    [InlineData(0.5, Operators)]
    public void AllWantTheSame_OneSucceedsSoon(double longest, int operators)
    {
        var took = Enumerable.Range(0, Seeds).Select(seed => Run(seed, longest, operators, isPatient: true)).Order().ToList();
        TestContext.Current.TestOutputHelper?.WriteLine($"{took[took.Count / 2]} in half of them, {took[^1]} at most");
        Assert.True(took[^1] < TimeSpan.FromSeconds(60), $"{took[^1]}");
    }

    // Why they wait: operators that try again at once hinder each other for longer.
    [Fact]
    public void WithoutPauses_TheLongestTakesLonger()
    {
        TimeSpan Longest(bool isPatient) => Enumerable.Range(0, 200).Max(seed => Run(seed, 1.9, Operators, isPatient));

        Assert.True(Longest(isPatient: true) < Longest(isPatient: false));
    }

    private static TimeSpan Run(int seed, double longest, int operators, bool isPatient)
    {
        var dice = new Dice(seed);
        var first = new TopologyRecord
        {
            Epoch = 1,
            Phase = TopologyPhase.Stable,
            Region = "a",
            Voters = Voters.Of(Names),
        };
        var next = first with { Epoch = 2, Phase = TopologyPhase.Fencing, Region = "b", Former = "a" };
        var voters = Names.ToDictionary(name => name, _ => new VoterRecord(new Ballot(1, "x"), new Ballot(1, "x"), first));
        var all = Enumerable.Range(0, Operators).Select(number => $"{(char)('a' + number)}").ToList();
        var events = new PriorityQueue<Action, (TimeSpan, int)>();
        var (now, count, chosen) = (TimeSpan.Zero, 0, (TimeSpan?)null);

        void At(TimeSpan time, Action action) => events.Enqueue(action, (time, count++));
        TimeSpan Delay() => TimeSpan.FromSeconds(0.001 + (longest * dice.Next(1000) / 1000));

        // An attempt: both parts of it at all voters, each when its request arrives.
        void Try(string name, int failed, Ballot highest)
        {
            var round = AgreementRound.Start(highest.Next(name), first.Voters);
            var began = now;
            var isOver = false;

            void Over()
            {
                if (isOver)
                    return;
                isOver = true;
                var pause = isPatient ? WantedChange.PauseAfter(failed + 1, dice.Next(1000) / 1000.0) : TimeSpan.Zero;
                At(now + pause, () => Try(name, failed + 1, round.Highest));
            }

            void Ask(Func<VoterRecord, VoterRecord?> change, Func<string, VoterRecord, AgreementRound> learn, Func<bool> isDone, Action done)
            {
                var answers = 0;
                foreach (var voter in Names)
                    At(
                        now + Delay(),
                        () =>
                        {
                            // The product sends nothing that would arrive after the life of the attempt.
                            if (now - began >= AgreementRound.Life)
                                return;
                            var after = change(voters[voter]);
                            voters[voter] = after ?? voters[voter];
                            var held = voters[voter];
                            At(
                                now + Delay(),
                                () =>
                                {
                                    round = after is null ? round.WithRefusal(held.Promised) : learn(voter, held);
                                    if (++answers < Names.Length)
                                        return;
                                    if (isDone())
                                        done();
                                    else
                                        Over();
                                }
                            );
                        }
                    );
            }

            Ask(
                held => held.Promise(round.Ballot),
                (voter, held) => round.WithPromise(voter, held),
                () => round.IsPrepared,
                () =>
                {
                    round = round.Propose(latest => latest == first ? next : null);
                    Ask(
                        held => held.Accept(round.Ballot, round.Proposed!),
                        (voter, _) => round.WithAcceptance(voter),
                        () => round.IsChosen,
                        () => chosen ??= now
                    );
                }
            );
        }

        foreach (var name in all.TakeLast(operators))
        {
            // They find out within a few seconds of each other.
            var since = TimeSpan.FromSeconds(dice.Next(5000) / 1000.0);
            var start = since;
            while (isPatient && !WantedChange.Of(null, next, since).IsTurnOf(name, "b", all, start))
                start += TimeSpan.FromMilliseconds(100);
            At(start, () => Try(name, 0, new Ballot(1, "x")));
        }

        while (chosen is null && now < End && events.TryDequeue(out var action, out var due))
        {
            now = due.Item1;
            action();
        }

        return chosen ?? End;
    }
}
