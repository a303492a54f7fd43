using UrlShortener.Operator.Conditions;
using Xunit;

namespace UrlShortener.Operator.Tests.Conditions;

public sealed class ConditionListTests
{
    private static readonly DateTimeOffset Noon = new(2030, 1, 31, 12, 0, 0, 400, TimeSpan.Zero);

    /// <summary>The API server stores another character for half of one, so that every status would be written again.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Set_LongMessage_EndsWithAWholeCharacter(int shift)
    {
        var conditions = new ConditionList(null, 1, DateTimeOffset.UnixEpoch);
        conditions.Set(ConditionTypes.Ready, true, Reasons.AsExpected, new string('x', shift) + string.Concat(Enumerable.Repeat("😀", 1_000)));
        var message = Assert.Single(conditions.Conditions).Message;
        Assert.InRange(message.Length, 1_023, 1_024);
        Assert.Equal(message, System.Text.Encoding.UTF8.GetString(System.Text.Encoding.UTF8.GetBytes(message)));
    }

    [Fact]
    public void Set_StatusStays_KeepsItsTimeWhateverElseChanges()
    {
        var first = new ConditionList(null, 1, Noon);
        first.Set("Ready", false, "Migrating", "At it.");

        var second = new ConditionList(first.Conditions, 2, Noon.AddMinutes(1));
        second.Set("Ready", false, "RollingOut", "Still at it.");

        var condition = Assert.Single(second.Conditions);
        Assert.Equal(
            (Noon.UtcDateTime.AddMilliseconds(-400), 2L, "RollingOut"),
            (condition.LastTransitionTime, condition.ObservedGeneration, condition.Reason)
        );
        Assert.Empty(second.Changed);
    }

    [Fact]
    public void Set_StatusFlips_IsToldWithItsFormerStatus()
    {
        var first = new ConditionList(null, 1, Noon);
        first.Set("Ready", null, "NotKnown", "");

        var second = new ConditionList(first.Conditions, 1, Noon.AddMinutes(1));
        second.Set("Ready", true, "AsExpected", "");

        Assert.Equal([("Unknown", "True")], second.Changed.Select(change => (change.Former!, change.Condition.Status)));
        Assert.Equal(Noon.UtcDateTime.AddMilliseconds(-400).AddMinutes(1), second.Conditions[0].LastTransitionTime);
        Assert.True(second.IsTrue("Ready"));
    }

    [Fact]
    public void Set_LongMessage_IsCut()
    {
        var list = new ConditionList(null, 1, Noon);
        list.Set("Ready", true, "AsExpected", new string('x', 5_000));

        Assert.Equal(1_024, list.Conditions[0].Message.Length);
    }
}
