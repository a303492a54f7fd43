using System.Diagnostics;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Postgres;
using UrlShortener.TestServers;
using UrlShortener.TestServers.Processes;
using Xunit;

namespace UrlShortener.Operator.Tests.Postgres;

/// <summary>Changes that only a former primary region had: the rules of the program that saves them, and what the operator makes of what it tells.</summary>
public sealed class SavedChangesTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
    private static readonly DateTimeOffset Now = new(2030, 1, 31, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public async Task Program_Rules_Hold()
    {
        Assert.SkipWhen(Programs.FindFolder(["python3"]) is null, "This machine has no Python.");
        var rules = Checkout.PathOf("tests/UrlShortener.Operator.Tests/Postgres/saved_rules.py");
        var program = Checkout.PathOf("config/images/postgres/saved.py");
        var start = new ProcessStartInfo("python3", [rules, program]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        using var process = Process.Start(start)!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
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

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("80")]
    [InlineData("[]")]
    [InlineData("""{ "files": [{ "file": 1 }] }""")]
    [InlineData("""{ "files": [], "files": [] }""")]
    [InlineData("?")]
    [InlineData("""{ "files": [{ "file": "a.jsonl", "count": "many" }] }""")]
    public void Told_WhatIsNotUnderstood_IsNothing(string? text) => Assert.Null(SavedChanges.Of(Pod("eu-postgres-0", text)));

    [Fact]
    public void Files_OfAllMembers_AreKeptWhileAMemberTellsNothing()
    {
        var one = Pod("eu-postgres-0", """{ "count": 80, "files": [{ "file": "1-0-5.jsonl", "count": 80, "at": "2026-11-30T05:00:00Z" }] }""");
        var first = SavedChanges.FilesOf([one, Pod("eu-postgres-1", """{ "count": 0, "files": [] }""")], null);
        var file = Assert.Single(first!);
        Assert.Equal(("eu-postgres-0", "1-0-5.jsonl", 80, "2026-11-30T05:00:00Z"), (file.Member, file.File, file.Count, file.At));

        // Its pod is a new one, or is gone.
        Assert.Equal(first, SavedChanges.FilesOf([Pod("eu-postgres-0", null)], first));
        Assert.Equal(first, SavedChanges.FilesOf([], first));
        // Somebody has removed the file.
        Assert.Null(SavedChanges.FilesOf([Pod("eu-postgres-0", """{ "count": 0, "files": [] }""")], first));
    }

    [Fact]
    public void Status_OfAMemberThatCannotSave_SaysSo()
    {
        var region = new V1Alpha1ShortenerRegion
        {
            Metadata = new V1ObjectMeta { Name = "eu", NamespaceProperty = "default" },
            Spec = new RegionSpec
            {
                Region = "eu",
                Postgres = new PostgresSpec { Instances = 1, Durability = Durability.Async },
            },
        };
        var observed = new ObservedPostgres { Pods = [Pod("eu-postgres-0", """{ "count": 0, "files": [], "waits": "3 MiB are free" }""")] };
        var plan = PostgresPlan.Of(region, observed, PostgresMemory.None, Now);
        var (_, conditions) = PostgresStatusRules.Build(region, observed, plan, Now);

        var degraded = Assert.Single(conditions.Conditions, condition => condition.Type == ConditionTypes.PostgresDegraded);
        Assert.Equal(("True", Reasons.ChangesNotSaved), (degraded.Status, degraded.Reason));
        Assert.Contains(
            "eu-postgres-0 has changes that no other region has, and cannot save them (3 MiB are free)",
            degraded.Message,
            StringComparison.Ordinal
        );
    }

    private static V1Pod Pod(string name, string? told) =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = name, Annotations = told is null ? null : new Dictionary<string, string> { [Labels.SavedChanges] = told } },
        };
}
