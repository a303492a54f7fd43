using k8s.Models;
using UrlShortener.Operator.Apply;
using Xunit;

namespace UrlShortener.Operator.Tests.Apply;

public sealed class ContestTests
{
    private static readonly DateTimeOffset Now = new(2026, 11, 28, 12, 0, 0, TimeSpan.Zero);
    private static readonly V1ObjectMeta Written = new() { Uid = "u", ResourceVersion = "1" };
    private static readonly Difference[] Capped = [new("spec.maxReplicas", "5")];
    private static readonly Difference[] CappedElsewhere = [new("spec.maxReplicas", "6")];

    [Fact]
    public void OfMutation_SameValue_IsAcceptedAndToldOnce()
    {
        var contest = Contest.OfMutation(null, Written, "d", Capped, Now);

        Assert.True(contest.IsNews);
        Assert.True(contest.Accepts("u", "d", Capped, Now.AddMinutes(30)));
        Assert.False(contest.Accepts("u", "d", CappedElsewhere, Now));
        Assert.False(contest.Accepts("u", "d", [.. Capped, new("spec.minReplicas", "1")], Now));
        Assert.False(contest.Accepts("u", "other", Capped, Now));
        Assert.False(contest.Accepts("v", "d", Capped, Now));
        Assert.False(contest.Accepts("u", "d", Capped, Now + Contest.MutationKept));
        Assert.False(Contest.OfMutation(contest, Written, "other", CappedElsewhere, Now).IsNews);
        // It outlives the next attempt, which must not report it again, and is then forgotten.
        Assert.False(contest.IsOver(Now + Contest.MutationKept));
        Assert.True(contest.IsOver(Now + (3 * Contest.MutationKept)));
    }

    [Fact]
    public void OfRevert_AgainAndAgain_RevertsLessOftenAndTellsOnce()
    {
        Contest? contest = null;
        var (news, waits) = (0, new List<double>());
        for (var revert = 1; revert <= 8; revert++)
        {
            contest = Contest.OfRevert(contest, Written, "d", Capped, Now);
            news += contest.IsNews ? 1 : 0;
            waits.Add((contest.Until - Now).TotalSeconds);
        }

        Assert.Equal(1, news);
        Assert.Equal([0, 0, 30, 60, 120, 240, 300, 300], waits);
        // Any value of the field is the same contest; other fields are not, nor is what happens much later.
        Assert.True(contest!.Accepts("u", "d", CappedElsewhere, Now.AddMinutes(4)));
        Assert.Equal(1, Contest.OfRevert(contest, Written, "d", [new("spec.minReplicas", "1")], Now).Reverts);
        Assert.Equal(1, Contest.OfRevert(contest, Written, "d", Capped, Now.AddHours(1)).Reverts);
    }
}
