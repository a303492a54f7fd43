using System.Text.Json.Nodes;
using k8s.Models;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Postgres;
using Xunit;

namespace UrlShortener.Operator.Tests.Postgres;

public sealed class ParameterReviewTests
{
    private static readonly DateTimeOffset Now = new(2030, 1, 31, 12, 0, 0, TimeSpan.Zero);

    private static readonly Dictionary<string, ParameterSetting> Settings = new()
    {
        ["work_mem"] = new("integer", "user", "kB", 64, 2_147_483_647),
        ["shared_buffers"] = new("integer", "postmaster", "8kB", 16, 1_073_741_823),
        ["statement_timeout"] = new("integer", "user", "ms", 0, 2_147_483_647),
        ["random_page_cost"] = new("real", "user", null, 0, 1.79769e308),
        ["autovacuum"] = new("bool", "sighup"),
        ["wal_compression"] = new("enum", "superuser", Values: ["pglz", "lz4", "on", "off"]),
        ["block_size"] = new("integer", "internal", null, 8192, 8192),
        ["log_timezone"] = new("string", "sighup"),
    };

    [Theory]
    [InlineData("work_mem", "8MB", true)]
    [InlineData("work_mem", "64", true)]
    [InlineData("work_mem", "63", false)]
    [InlineData("work_mem", "8mb", false)]
    [InlineData("work_mem", "8s", false)]
    [InlineData("shared_buffers", "128kB", true)]
    [InlineData("shared_buffers", "127kB", false)]
    [InlineData("shared_buffers", "9TB", false)]
    [InlineData("shared_buffers", "lots", false)]
    [InlineData("statement_timeout", "1.5 min", true)]
    [InlineData("random_page_cost", "1.1", true)]
    [InlineData("random_page_cost", "1.1MB", false)]
    [InlineData("autovacuum", "off", true)]
    [InlineData("autovacuum", "maybe", false)]
    [InlineData("wal_compression", "LZ4", true)]
    [InlineData("wal_compression", "gzip", false)]
    [InlineData("block_size", "8192", false)]
    [InlineData("log_timezone", "Europe/Berlin", true)]
    [InlineData("no_such_parameter", "1", false)]
    [InlineData("pg_stat_statements.max", "1000", true)]
    public void Check_Value_FollowsTheDescriptionOfPostgres(string name, string value, bool isValid)
    {
        var refusals = ParameterReview.Check(new Dictionary<string, string> { [name] = value }, Settings);
        Assert.Equal(isValid, refusals.Count == 0);
        Assert.All(refusals, refusal => Assert.StartsWith(name, refusal, StringComparison.Ordinal));
    }

    [Fact]
    public void Verify_ParameterThatIsMissingOrHasAnError_IsRefused()
    {
        var wanted = new Dictionary<string, string>
        {
            ["a"] = "1",
            ["b"] = "2",
            ["c"] = "3",
        };
        var refusals = ParameterReview.Verify(wanted, new HashSet<string> { "a", "b" }, new Dictionary<string, string> { ["b"] = "invalid value" });
        Assert.Equal(["b is \"2\": invalid value", "c is \"3\", which Patroni refuses"], refusals);
    }

    // Until PostgreSQL has agreed, and after it has refused, the members keep what they have.
    [Fact]
    public void Plan_Parameters_ReachTheMembersOnlyAfterAReview()
    {
        var wanted = new Dictionary<string, string> { ["work_mem"] = "8MB" };
        var region = Region(wanted);
        var live = PatroniConfiguration.BuildDynamic(region, GroupPlace.Alone);
        live["postgresql"]!["parameters"]!["work_mem"] = "4MB";
        live["pause"] = true;
        var digest = ParameterReview.DigestOf(wanted);

        Assert.Null(Plan(region, live, null));
        Assert.Null(Plan(region, live, new ParameterReview(digest, false, ["work_mem is too much"])));
        var written = Plan(region, live, new ParameterReview(digest, false, []));
        Assert.Equal("8MB", (string?)written!["postgresql"]!["parameters"]!["work_mem"]);
        Assert.Equal(300, (int?)written["postgresql"]!["parameters"]!["max_connections"]);
        Assert.True((bool?)written["pause"]);
        Assert.Null(Plan(region, written, null));
        // A parameter that is no longer asked for, and one that somebody else set.
        Assert.Null(Plan(Region([]), written, null)!["postgresql"]!["parameters"]!["work_mem"]);
        written["postgresql"]!["parameters"]!["jit"] = "off";
        Assert.Null(Plan(region, written, null)!["postgresql"]!["parameters"]!["jit"]);
    }

    private static JsonObject? Plan(V1Alpha1ShortenerRegion region, JsonObject live, ParameterReview? review) =>
        PostgresPlan
            .Of(
                region,
                new ObservedPostgres
                {
                    Configuration = new V1ConfigMap
                    {
                        Metadata = new V1ObjectMeta { Annotations = new Dictionary<string, string> { ["config"] = live.ToJsonString() } },
                    },
                },
                PostgresMemory.None with
                {
                    Review = review,
                },
                Now
            )
            .Configuration;

    private static V1Alpha1ShortenerRegion Region(Dictionary<string, string> parameters) =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = "eu", NamespaceProperty = "shop" },
            Spec = SpecJson.MinimalRegion() with
            {
                Connections = new ConnectionsSpec(),
                Postgres = new PostgresSpec { Image = "postgres:17", Parameters = parameters },
            },
        };
}
