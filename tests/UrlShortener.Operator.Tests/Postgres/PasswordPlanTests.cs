using System.Security.Cryptography;
using System.Text;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Postgres;
using Xunit;

namespace UrlShortener.Operator.Tests.Postgres;

/// <summary>The decisions of a rotation of the app's password.</summary>
public sealed class PasswordPlanTests
{
    private const string Primary = "eu-postgres-0";
    private const string Replica = "eu-postgres-1";

    private static readonly DateTimeOffset Now = new(2030, 1, 31, 12, 0, 0, TimeSpan.Zero);
    private static readonly FormerRole Gone = new(false, []);
    private static readonly FormerRole Valid = new(true, []);

    [Fact]
    public void Next_ProcessesUseTheFormerPassword_WaitsAndNamesThem()
    {
        var used = new FormerRole(true, [new FormerSession("10.0.0.7", PasswordRetirement.Application, 3), new FormerSession("10.0.0.8", "psql", 1)]);

        var wait = Assert.IsType<PasswordRetirement.Wait>(Next((Primary, Valid), (Replica, used)));

        Assert.Contains("eu-app-1", wait.For, StringComparison.Ordinal);
        Assert.DoesNotContain("10.0.0.8", wait.For, StringComparison.Ordinal);
    }

    [Fact]
    public void Next_OnlyOthersUseIt_RefusesItAndEndsTheirConnections()
    {
        var psql = new FormerRole(true, [new FormerSession("10.0.0.8", "psql", 1)]);

        Assert.IsType<PasswordRetirement.Refuse>(Next((Primary, Valid), (Replica, psql)));
        Assert.Equal([Replica], Assert.IsType<PasswordRetirement.End>(Next((Primary, Gone), (Replica, psql))).Members);
        Assert.IsType<PasswordRetirement.Done>(Next((Primary, Gone), (Replica, Gone)));
    }

    [Fact]
    public void Next_MemberDoesNotAnswer_WaitsForIt()
    {
        Assert.Contains(Replica, Assert.IsType<PasswordRetirement.Wait>(Next((Primary, Valid), (Replica, null))).For, StringComparison.Ordinal);
        Assert.Contains(Replica, Assert.IsType<PasswordRetirement.Wait>(Next((Primary, Gone), (Replica, null))).For, StringComparison.Ordinal);
        Assert.Contains(Primary, Assert.IsType<PasswordRetirement.Wait>(Next((Primary, null), (Replica, Gone))).For, StringComparison.Ordinal);
    }

    // Otherwise each loss of a member would look like a rotation.
    [Fact]
    public void Next_NoRotation_ThePrimaryAloneCounts() =>
        Assert.IsType<PasswordRetirement.Done>(
            PasswordRetirement.Next(Primary, new Dictionary<string, FormerRole?> { [Primary] = Gone, [Replica] = null }, isStrict: false, Names)
        );

    [Fact]
    public void Place_PasswordThatSomebodyChanged_IsThatOfTheOtherRole()
    {
        var edited = new AppCredentials(AppCredentials.First, "edited", null);
        var has = new AppRole(true, ScramVerifier.Of("known"));

        Assert.Equal(edited with { Role = AppCredentials.Second }, edited.Place(has, AppRole.Missing));
        Assert.Equal(edited, edited.Place(new AppRole(true, ScramVerifier.Of("edited")), AppRole.Missing));
        Assert.Equal(edited, edited.Place(AppRole.Missing, AppRole.Missing));
        // Both are in use: there is no third one.
        Assert.Equal(edited, edited.Place(has, new AppRole(true, ScramVerifier.Of("other"))));
    }

    [Theory]
    [InlineData("postgres", "secret")]
    [InlineData("shortener", "")]
    [InlineData("shortener", "secret\n")]
    [InlineData("shortener", "geheimnis-ä")]
    [InlineData("shortener_2 SUPERUSER", "secret")]
    public void Of_SecretThatIsSpoilt_IsNotUsed(string role, string password) => Assert.Null(AppCredentials.Of(Secret(role, password)));

    [Fact]
    public void Of_SecretAsWritten_IsTheSame()
    {
        var credentials = new AppCredentials(AppCredentials.Second, "secret", "17");

        Assert.Equal(credentials, AppCredentials.Of(new V1Secret { Data = credentials.Build() }));
        Assert.DoesNotContain("secret", credentials.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Matches_Verifier_OnlyOfItsPassword()
    {
        Assert.True(ScramVerifier.Matches(ScramVerifier.Of("one"), "one"));
        Assert.False(ScramVerifier.Matches(ScramVerifier.Of("one"), "two"));
        Assert.False(ScramVerifier.Matches(null, "one"));
        Assert.False(ScramVerifier.Matches("md5abc", "one"));
        Assert.False(ScramVerifier.Matches("SCRAM-SHA-256$x:y$z", "one"));
    }

    [Fact]
    public void FindNext_Requests_RunOnceAndOneAfterTheOther()
    {
        Assert.Equal("1", PasswordRotation.FindNext(null, "1", null, isSettled: true));
        Assert.Null(PasswordRotation.FindNext(null, "1", null, isSettled: false));
        Assert.Null(PasswordRotation.FindNext(null, "1", DigestOf("1"), isSettled: true));
        Assert.Null(PasswordRotation.FindNext(null, null, DigestOf("1"), isSettled: true));
        // The Secret was made anew since.
        Assert.Null(PasswordRotation.FindNext(Told("1", PasswordRotationState.Done), "1", null, isSettled: true));
        Assert.Equal("2", PasswordRotation.FindNext(Told("1", PasswordRotationState.Done), "2", DigestOf("1"), isSettled: true));
        // The first one is told to be done before.
        Assert.Null(PasswordRotation.FindNext(Told("1", PasswordRotationState.Started), "2", DigestOf("1"), isSettled: true));
    }

    [Fact]
    public void Follow_AnnotationChangesInBetween_TellsOfTheOneUnderWay()
    {
        var started = PasswordRotation.Follow(null, "1", DigestOf("1"), isSettled: false, "Waiting for eu-app-1", Now)!;
        Assert.Equal(("1", PasswordRotationState.Started, "Waiting for eu-app-1."), (started.Request, started.State, started.Message));
        var later = PasswordRotation.Follow(started, "2", DigestOf("1"), isSettled: false, null, Now.AddMinutes(1))!;
        Assert.Equal(("1", started.StartedAt), (later.Request, later.StartedAt));
        var done = PasswordRotation.Follow(later, "2", DigestOf("1"), isSettled: true, null, Now.AddMinutes(2))!;
        Assert.Equal(("1", PasswordRotationState.Done, Now.AddMinutes(2).UtcDateTime), (done.Request, done.State, done.FinishedAt));
        // Nothing is written while nothing happens.
        Assert.Same(done, PasswordRotation.Follow(done, "1", DigestOf("1"), isSettled: true, null, Now.AddMinutes(3)));
    }

    // Random reconciles of an operator that may die after each write, processes that read their file late, edits and deletions: a process can always log in with
    // what it has, except right after an edit during a rotation, and in the end one password is left.
    [Fact]
    public void Rotation_OperatorDiesAnywhereAndSecretsAreSpoilt_NobodyIsLockedOut()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var model = new RotationModel(new Dice(seed));
            for (var step = 0; step < 150; step++)
                model.Step(isCareless: step < 80);
            for (var step = 0; step < 60; step++)
                model.Settle();
            Assert.True(model.IsSettled, $"seed {seed}: {model}");
        }
    }

    private static readonly Dictionary<string, string> Names = new() { ["10.0.0.7"] = "eu-app-1" };

    private static PasswordRetirement Next(params (string Name, FormerRole? Answer)[] members) =>
        PasswordRetirement.Next(Primary, members.ToDictionary(member => member.Name, member => member.Answer), isStrict: true, Names);

    private static PasswordRotationStatus Told(string request, string state) => new() { Request = request, State = state };

    private static byte[] DigestOf(string request) => SHA256.HashData(Encoding.UTF8.GetBytes(request));

    private static V1Secret Secret(string role, string password) =>
        new()
        {
            Data = new Dictionary<string, byte[]> { ["username"] = Encoding.UTF8.GetBytes(role), ["password"] = Encoding.UTF8.GetBytes(password) },
        };
}
