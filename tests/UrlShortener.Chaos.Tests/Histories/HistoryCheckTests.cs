using Xunit;

namespace UrlShortener.Chaos.Tests.Histories;

/// <summary>The check itself: histories made by hand, good ones and one for each way to be bad.</summary>
public sealed class HistoryCheckTests
{
    private const string A = "https://example.com/a";
    private const string B = "https://example.com/b";
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(2);

    [Fact]
    public void FindFaults_LinkIsFollowedAndChanged_FindsNothing() =>
        Assert.Empty(
            Check(
                Create(0, 1, A),
                Follow(2, 3, A),
                Change(4, 5, B),
                Follow(5, 5.5, A),
                Follow(4.2, 4.8, B),
                Follow(9, 10, B),
                Delete(11, 12),
                Follow(12.5, 13, B),
                Follow(15, 16, "", 404)
            )
        );

    [Fact]
    public void FindFaults_CodeAcknowledgedTwice_NamesBoth() =>
        Assert.Contains("Acknowledged more than once", Assert.Single(Check(Create(0, 1, A), Create(2, 3, B))), StringComparison.Ordinal);

    [Fact]
    public void FindFaults_LinkIsNotFoundAfterItsCreation_IsAFault() =>
        Assert.Contains("Never a state", Assert.Single(Check(Create(0, 1, A), Follow(1.1, 1.2, "", 404))), StringComparison.Ordinal);

    [Fact]
    public void FindFaults_LinkLeadsToAnotherTarget_IsAFault() => Assert.Single(Check(Create(0, 1, A), Follow(2, 3, B)));

    [Fact]
    public void FindFaults_TargetIsSeenBeforeItWasSent_IsAFault() => Assert.Single(Check(Create(0, 1, A), Follow(2, 3, B), Change(4, 5, B)));

    [Fact]
    public void FindFaults_ReplacedTargetIsSeenAfterTheBound_IsAFault() =>
        Assert.Contains("Replaced more than 2 s before", Assert.Single(Check(Create(0, 1, A), Change(2, 3, B), Follow(5.1, 5.2, A))), StringComparison.Ordinal);

    [Fact]
    public void FindFaults_DeletedLinkIsSeenAfterTheBound_IsAFault() => Assert.Single(Check(Create(0, 1, A), Delete(2, 3), Follow(5.1, 5.2, A)));

    [Fact]
    public void FindFaults_OldTargetIsSeenDuringAnOutage_FindsNothing() =>
        Assert.Empty(
            new HistoryCheck(Bound, (Seconds(4), Seconds(6))).FindFaults([Create(0, 1, A), Change(2, 3, B), Follow(5.1, 5.2, A), Follow(7.9, 8.1, A)])
        );

    [Fact]
    public void FindFaults_OldTargetIsSeenAfterAnOutageAndTheBound_IsAFault() =>
        Assert.Single(new HistoryCheck(Bound, (Seconds(4), Seconds(6))).FindFaults([Create(0, 1, A), Change(2, 3, B), Follow(8.1, 8.2, A)]));

    [Fact]
    public void FindFaults_AnotherLinksTargetIsSeenDuringAnOutage_IsAFault() =>
        Assert.Single(new HistoryCheck(Bound, (Seconds(0), Seconds(9))).FindFaults([Create(0, 1, A), Follow(5, 6, B)]));

    [Theory]
    [InlineData(0)]
    [InlineData(503)]
    public void FindFaults_ChangeWithoutAnAnswer_MayBeSeenOrNot(int status) =>
        Assert.Empty(Check(Create(0, 1, A), Change(2, 3, B, status), Follow(6, 7, A), Follow(8, 9, B)));

    [Fact]
    public void FindFaults_RefusedChangeIsSeen_IsAFault() => Assert.Single(Check(Create(0, 1, A), Change(2, 3, B, 403), Follow(6, 7, B)));

    [Fact]
    public void FindFaults_UnavailableForAWhile_SaysNothingAboutTheLink() => Assert.Empty(Check(Create(0, 1, A), Follow(2, 3, "", 503), Follow(3, 4, "", 0)));

    [Fact]
    public void FindLosses_EverythingIsThere_FindsNothing() => Assert.Empty(HistoryCheck.FindLosses([Create(0, 1, A), Change(2, 3, B)], [Follow(9, 10, B)]));

    [Fact]
    public void FindLosses_LinkIsGone_IsALoss() => Assert.Single(HistoryCheck.FindLosses([Create(0, 1, A)], [Follow(9, 10, "", 404)]));

    [Fact]
    public void FindLosses_ChangeIsGone_IsALoss() => Assert.Single(HistoryCheck.FindLosses([Create(0, 1, A), Change(2, 3, B)], [Follow(9, 10, A)]));

    [Fact]
    public void FindLosses_DeletedLinkIsBack_IsALoss() => Assert.Single(HistoryCheck.FindLosses([Create(0, 1, A), Delete(2, 3)], [Follow(9, 10, A)]));

    [Fact]
    public void FindLosses_LinkDoesNotAnswer_IsALoss() => Assert.Single(HistoryCheck.FindLosses([Create(0, 1, A)], [Follow(9, 10, "", 503)]));

    [Fact]
    public void FindLosses_LinkWasNotLookedAt_IsALoss() => Assert.Single(HistoryCheck.FindLosses([Create(0, 1, A)], []));

    [Fact]
    public void FindLosses_ChangeWithoutAnAnswerIsThere_FindsNothing() =>
        Assert.Empty(HistoryCheck.FindLosses([Create(0, 1, A), Change(2, 3, B, 0)], [Follow(9, 10, B)]));

    [Fact]
    public void FindLosses_CreationWithoutAnAnswerIsGone_FindsNothing() => Assert.Empty(HistoryCheck.FindLosses([Create(0, 1, A, 0)], []));

    private static IReadOnlyList<string> Check(params Operation[] operations) => new HistoryCheck(Bound).FindFaults(operations);

    private static Operation Create(double start, double end, string target, int status = 201) => Of(OperationKind.Create, start, end, target, status);

    private static Operation Change(double start, double end, string target, int status = 200) => Of(OperationKind.Change, start, end, target, status);

    private static Operation Delete(double start, double end, int status = 204) => Of(OperationKind.Delete, start, end, "", status);

    private static Operation Follow(double start, double end, string target, int status = 302) => Of(OperationKind.Follow, start, end, target, status);

    private static Operation Of(OperationKind kind, double start, double end, string target, int status) =>
        new(kind, "pod", "code", target, status, Seconds(start), Seconds(end));

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);
}
