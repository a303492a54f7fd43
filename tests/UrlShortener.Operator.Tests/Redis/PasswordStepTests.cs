using System.Text;
using UrlShortener.Operator.Redis;
using UrlShortener.Operator.Redis.Cluster;
using UrlShortener.Operator.Redis.Protocol;
using Xunit;

namespace UrlShortener.Operator.Tests.Redis;

/// <summary>The steps of a rotation of the password.</summary>
public sealed class PasswordStepTests
{
    private static readonly Dictionary<string, string> Names = new() { ["10.0.0.7"] = "eu-app-1" };
    private static readonly RedisPasswords Steady = new("one");
    private static readonly RedisPasswords Begun = new("one") { Next = "two", Request = "17" };
    private static readonly RedisPasswords Promoted = new("two") { Former = "one", Request = "17" };

    [Fact]
    public void Next_Rotation_GoesThroughAllNodesBeforeTheSecretChanges()
    {
        Assert.IsType<PasswordStep.Done>(Next(Steady, Says("one"), Says("one")));
        Assert.Equal(new PasswordStep.Accept("b", "two"), Next(Begun, Says("one two"), Says("one")));
        Assert.Equal(new PasswordStep.Link("a", "two"), Next(Begun, Says("one two"), Says("one two")));
        Assert.Equal(Promoted, Assert.IsType<PasswordStep.Write>(Next(Begun, Says("one two", link: "two"), Says("one two", link: "two"))).Passwords);
        Assert.Equal("a", Assert.IsType<PasswordStep.Retire>(Next(Promoted, Says("one two", "two", "two"), Says("one two", "two", "two"))).Pod);
        Assert.Equal("b", Assert.IsType<PasswordStep.Retire>(Next(Promoted, Says("two", "two", "two"), Says("one two", "two", "two"))).Pod);
        Assert.Null(Assert.IsType<PasswordStep.Write>(Next(Promoted, Says("two", "two", "two"), Says("two", "two", "two"))).Passwords.Former);
    }

    [Fact]
    public void Next_SomebodyIsLate_WaitsAndNamesIt()
    {
        Assert.Contains("pod b", Waits(Next(Begun, Says("one two"), null)), StringComparison.Ordinal);
        Assert.Contains("pod b", Waits(Next(Promoted, Says("one two", "two", "two"), Says("one two", "two", "one"))), StringComparison.Ordinal);
        Assert.Contains("pod b", Waits(Next(Promoted, Says("one two", "two", "two"), Says("one two", "two", null))), StringComparison.Ordinal);
        var late = Says("one two", "two", "two") with { Clients = [(NodePasswords.ClientOf("one"), "10.0.0.7"), (NodePasswords.ClientOf("two"), "10.0.0.8")] };
        Assert.Contains("eu-app-1,", Waits(Next(Promoted, Says("one two", "two", "two"), late)), StringComparison.Ordinal);
        Assert.Contains(
            "link",
            Waits(Next(Promoted, Says("one two", "two", "two"), Says("one two", "two", "two"), "pod b has no link")),
            StringComparison.Ordinal
        );
    }

    // It started with the file of before.
    [Fact]
    public void Next_NodeWithTheFormerPasswordAlone_AcceptsTheNewOneFirst() =>
        Assert.Equal(new PasswordStep.Accept("b", "two"), Next(Promoted, Says("two", "two", "two"), Says("one", "one", "one")));

    // Somebody ran ACL SETUSER by hand.
    [Fact]
    public void Next_UserOfANodeIsRestricted_GetsItsRightsBack()
    {
        Assert.Equal(new PasswordStep.Accept("b", "one"), Next(Steady, Says("one", "one", "one"), Says("one", "one", "one") with { IsRestricted = true }));
        var (_, commands) = RedisActuator.CommandsOf(new PasswordStep.Accept("b", "one"));
        Assert.Equal(["ACL", "SETUSER", "default", "on", "allcommands", "allkeys", "allchannels"], Assert.Single(commands).Take(7));
    }

    [Theory]
    [InlineData("on", "+@all", "~*", "&*", false)]
    [InlineData("off", "+@all", "~*", "&*", true)]
    [InlineData("on", "+@all -get", "~*", "&*", true)]
    [InlineData("on", "+@all", "", "&*", true)]
    [InlineData("on", "+@all", "~*", "", true)]
    public void Of_Answers_TellWhetherTheUserIsRestricted(string flag, string commands, string keys, string channels, bool isRestricted)
    {
        var user = List(
            Bulk("flags"),
            List(Bulk(flag), Bulk("sanitize-payload")),
            Bulk("commands"),
            Bulk(commands),
            Bulk("keys"),
            Bulk(keys),
            Bulk("channels"),
            Bulk(channels)
        );

        var says = NodePasswords.Of([Outcome(user), Outcome(List()), Outcome(List()), Outcome(Bulk(""))]);

        Assert.Equal(isRestricted, says!.IsRestricted);
        var refused = RedisOutcome.Of(RespReply.Of(RespKind.Error, "NOPERM this user has no permissions to run the 'config|get' command"));
        Assert.True(NodePasswords.Of([Outcome(user), refused, Outcome(List()), Outcome(Bulk(""))])!.IsRestricted);
    }

    // Of an operator that has just started: what somebody did to the Secret meanwhile must lock nobody out.
    [Fact]
    public void Choose_SecretDeletedOrEditedWhileNoOperatorRan_KeepsWhatTheNodesHave()
    {
        Assert.Equal(Steady, RedisPasswords.Choose(Steady, "one", null));
        Assert.Equal(Steady, RedisPasswords.Choose(null, "one", null));
        Assert.Equal(new RedisPasswords("two") { Former = "one" }, RedisPasswords.Choose(null, "two", "one"));
        Assert.Equal(new RedisPasswords("edited") { Former = "one" }, RedisPasswords.Choose(new RedisPasswords("edited"), "one", null));
        // A rotation was under way.
        Assert.Equal(Begun, RedisPasswords.Choose(Begun, "one", null));
        Assert.Equal(Promoted, RedisPasswords.Choose(Promoted, "one", null));
        Assert.Equal(new RedisPasswords("edited") { Former = "two" }, RedisPasswords.Choose(new RedisPasswords("edited"), "two", "one"));
        // The app has no connection yet, or that was lost too.
        Assert.Equal(Steady, RedisPasswords.Choose(Steady, null, null));
        Assert.Null(RedisPasswords.Choose(null, null, null));
    }

    // The Secret was lost in the middle: which password the nodes have beside it nobody knows.
    [Fact]
    public void Next_NodesAcceptAnUnknownPassword_RefuseIt() =>
        Assert.Equal("a", Assert.IsType<PasswordStep.Retire>(Next(Steady, Says("one lost", "one", "one"), Says("one", "one", "one"))).Pod);

    [Fact]
    public void Retire_Commands_RefuseAndEndAtOnceAndHaveNoPassword()
    {
        var (pod, commands) = RedisActuator.CommandsOf(new PasswordStep.Retire("a", RedisPasswords.HashOf("two")));

        Assert.Equal("a", pod);
        Assert.Equal(["MULTI"], commands[0]);
        Assert.Equal(["EXEC"], commands[^1]);
        Assert.Contains(commands, command => command is ["ACL", "SETUSER", "default", "resetpass", ['#', ..]]);
        Assert.DoesNotContain("two", new PasswordStep.Accept("a", "two").ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("one", Promoted.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("requirepass one\nmasterauth one\n", "one")]
    [InlineData("requirepass two words\n", null)]
    [InlineData("requirepass with,comma\n", null)]
    [InlineData("requirepass \"quoted\"\n", null)]
    [InlineData("requirepass one\r\n", null)]
    [InlineData("masterauth one\n", null)]
    public void Of_File_HasThePasswordOrIsNotUsed(string file, string? password) =>
        Assert.Equal(password, RedisPasswords.Of(new Dictionary<string, byte[]> { ["auth.conf"] = Encoding.UTF8.GetBytes(file) })?.Current);

    [Fact]
    public void Of_SecretAsWritten_IsTheSame()
    {
        foreach (var passwords in new[] { Steady, Begun, Promoted })
            Assert.Equal(passwords, RedisPasswords.Of(passwords.Build()));
    }

    [Fact]
    public void Of_Answers_AreReadAndOthersAreNot()
    {
        var says = NodePasswords.Of([
            Outcome(User("a1", "b2")),
            Outcome(List(Bulk("masterauth"), Bulk("two"))),
            Outcome(User("c3")),
            Outcome(Bulk($"id=1 addr=10.0.0.7:50000 name={NodePasswords.ClientOf("one")} db=0\nid=2 addr=10.0.0.9:1 name= db=0\n")),
        ])!;

        Assert.Equal(["a1", "b2"], says.Accepted.Order(StringComparer.Ordinal));
        Assert.Equal((RedisPasswords.HashOf("two"), "c3"), (says.Link, says.File));
        Assert.Equal(["10.0.0.7"], says.FindWithout("two"));
        Assert.Empty(says.FindWithout("one"));
        Assert.Null(NodePasswords.Of([RedisOutcome.Failed(RedisReach.TimedOut, "late")]));
    }

    // An operator that dies after any step, nodes that start again with a file of any age, and a Secret that is lost: in the end one password is left.
    [Fact]
    public void Rotation_OperatorAndNodesDieAnywhere_Ends()
    {
        for (var seed = 0; seed < 300; seed++)
        {
            var dice = new Dice(seed);
            var model = new RedisPasswordModel(dice);
            for (var step = 0; step < 120; step++)
                model.Step();
            for (var step = 0; step < 40; step++)
                model.Settle();
            Assert.True(model.IsSettled, $"seed {seed}: {model}");
        }
    }

    private static PasswordStep Next(RedisPasswords passwords, NodePasswords? a, NodePasswords? b, string? missing = null) =>
        PasswordStep.Next(passwords, [Pod("a"), Pod("b")], new Dictionary<string, NodePasswords?> { ["a"] = a, ["b"] = b }, missing, Names);

    private static string Waits(PasswordStep step) => Assert.IsType<PasswordStep.Wait>(step).For;

    private static RedisPod Pod(string name) =>
        new()
        {
            Name = name,
            Shard = 0,
            Ordinal = 0,
        };

    private static NodePasswords Says(string accepted, string link = "one", string? file = "one") =>
        new(
            accepted.Split(' ').Select(RedisPasswords.HashOf).ToHashSet(StringComparer.Ordinal),
            RedisPasswords.HashOf(link),
            file is null ? null : RedisPasswords.HashOf(file),
            []
        );

    private static RedisOutcome Outcome(RespReply reply) => RedisOutcome.Of(reply);

    private static RespReply User(params string[] hashes) =>
        List(Bulk("flags"), List(Bulk("on")), Bulk("passwords"), List([.. hashes.Select(Bulk)]), Bulk("commands"), Bulk("+@all"));

    private static RespReply List(params RespReply[] items) => new(RespKind.List, "", items);

    private static RespReply Bulk(string text) => RespReply.Of(RespKind.Text, text);
}
