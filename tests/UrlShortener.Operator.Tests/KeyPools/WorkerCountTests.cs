using FsCheck.Xunit;
using UrlShortener.Contracts;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.KeyPools;
using Xunit;

namespace UrlShortener.Operator.Tests.KeyPools;

public sealed class WorkerCountTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch;
    private static readonly KeyPoolSpec Spec = new()
    {
        TargetAvailable = 1_000,
        LowWatermark = 400,
        CriticalWatermark = 100,
        Kgs = new KgsSpec { MinReplicas = 2, MaxReplicas = 5 },
    };

    [Property]
    public bool Next_Anything_StaysWithinTheBounds(byte current, int level, byte state, bool isFalling, bool isKnown)
    {
        var reading = isKnown ? Reading(Math.Abs(level % 2_000), States[state % States.Length], isFalling) : null;
        var (count, _) = WorkerCount.Next(Spec, current, reading, new WorkerHistory(), Start);
        return count is >= 2 and <= 5;
    }

    [Property]
    public bool Next_MoreCodes_NeverAsksForMoreWorkers(byte current, ushort level, ushort more, byte state, bool isFalling)
    {
        var one = WorkerCount.Next(Spec, current, Reading(level, States[state % States.Length], isFalling), new WorkerHistory(), Start).Count;
        var other = WorkerCount.Next(Spec, current, Reading(level + more, States[state % States.Length], isFalling), new WorkerHistory(), Start).Count;
        return other <= one;
    }

    /// <summary>Whatever the level does, the number goes down at most once in five minutes, and never within five minutes of having gone up.</summary>
    [Property]
    public bool Next_AnyCourse_GoesDownSlowly(byte[] levels, bool[] falling)
    {
        var (count, history, now, changedAt) = ((int?)null, new WorkerHistory(), Start, (DateTimeOffset?)null);
        foreach (var (index, level) in levels.Index())
        {
            var reading = Reading(
                level * 4,
                level % 3 == 0 ? KeyGenerationPhase.Running : KeyGenerationPhase.Idle,
                falling.Length > 0 && falling[index % falling.Length]
            );
            var (next, after) = WorkerCount.Next(Spec, count, reading, history, now);
            if (next < count && changedAt is { } at && now - at < WorkerCount.CalmInterval)
                return false;
            if (next != count)
                changedAt = now;
            (count, history, now) = (next, after, now + TimeSpan.FromSeconds(30));
        }

        return true;
    }

    [Fact]
    public void Next_Critical_AddsAllAtOnce() =>
        Assert.Equal(5, WorkerCount.Next(Spec, 2, Reading(99, KeyGenerationPhase.Running, isFalling: false), new WorkerHistory(Start), Start).Count);

    [Fact]
    public void Next_FallsAlthoughFilled_AddsOnePerMinute()
    {
        var reading = Reading(600, KeyGenerationPhase.Throttled, isFalling: true);

        var (first, history) = WorkerCount.Next(Spec, 2, reading, new WorkerHistory(), Start);
        var (soon, same) = WorkerCount.Next(Spec, first, reading, history, Start + TimeSpan.FromSeconds(30));
        var (later, _) = WorkerCount.Next(Spec, soon, reading, same, Start + WorkerCount.RaiseInterval);

        Assert.Equal([3, 3, 4], [first, soon, later]);
    }

    [Fact]
    public void Next_RisesWhileFilled_StaysAsItIs() =>
        Assert.Equal(3, WorkerCount.Next(Spec, 3, Reading(200, KeyGenerationPhase.Running, isFalling: false), new WorkerHistory(), Start).Count);

    [Theory]
    [InlineData(KeyGenerationPhase.Failing)]
    [InlineData(KeyGenerationPhase.Paused)]
    public void Next_ServiceFailsOrPauses_AddsNobody(string state) =>
        Assert.Equal(2, WorkerCount.Next(Spec, 2, Reading(0, state, isFalling: true), new WorkerHistory(), Start).Count);

    [Fact]
    public void Next_CalmForLong_TakesOneAwayAtATime()
    {
        var reading = Reading(900, KeyGenerationPhase.Idle, isFalling: true);
        var (count, history) = (4, new WorkerHistory());
        List<int> counts = [];
        for (var minute = 0; minute <= 20; minute++)
        {
            (count, history) = WorkerCount.Next(Spec, count, reading, history, Start + TimeSpan.FromMinutes(minute));
            counts.Add(count);
        }

        Assert.Equal([4, 4, 4, 4, 4, 3, 3, 3, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2], counts);
    }

    private static readonly string[] States =
    [
        KeyGenerationPhase.Idle,
        KeyGenerationPhase.Running,
        KeyGenerationPhase.Throttled,
        KeyGenerationPhase.Failing,
        KeyGenerationPhase.Paused,
    ];

    private static KeyGenerationStatus Reading(long level, string state, bool isFalling) =>
        new()
        {
            Level = level,
            State = state,
            TargetLevel = Spec.TargetAvailable,
            SecondsToExhaustion = isFalling ? 1_000 : null,
            Epoch = 1,
        };
}
