using System.Diagnostics;
using k8s;
using UrlShortener.Operator.Certificates;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Postgres;
using UrlShortener.Operator.Tests.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.Postgres;

/// <summary>Changes of the PostgreSQL that the operator runs, while links are created: real Patroni and PostgreSQL, and the real product in front of them.</summary>
public sealed class PostgresRolloutTests(ApiServerFixture apiServer, StoresFixture stores) : PostgresChangeTest(apiServer, stores)
{
    // `make postgres-failovers` requires 5 s, which a machine has that is not busy with other tests.
    private static readonly TimeSpan SwitchoverLimit = TimeSpan.FromSeconds(15);

    [Fact]
    public async Task Specification_ChangedUnderLoad_IsRolledOutWithoutALostLink()
    {
        await StartAsync(programs: await Availability.OrSkipAsync(StorePrograms.FindAsync(Token)));
        await Lab.Client.CreateAsync(Lab.Region(patch: PostgresMembers.Patch));
        await UntilWholeAsync();
        await Lab.UntilAsync("Ready", "True");
        var service = await Lab.OpenServiceAsync();
        using var http = RegionLab.NewHttp(service);
        await using var writer = new LinkWriter(http);

        var planned = await SwitchOverAsync(writer);
        Assert.True(planned < writer.Allow(SwitchoverLimit), $"{planned}");

        var rolled = await RollOutAsync(
            writer,
            $$"""{ "postgres": { "image": "{{StorePrograms.PostgresImage}}-2", "resources": { "requests": { "memory": "96Mi" } } } }"""
        );
        Assert.All(await Members.ReadPodsAsync(), pod => Assert.Equal($"{StorePrograms.PostgresImage}-2", pod.Spec.Containers[0].Image));

        // One parameter reloads, the other needs a restart of PostgreSQL. No pod is replaced.
        var pods = await Members.ReadPodsAsync();
        var began = Stopwatch.GetTimestamp();
        await Lab.PatchAsync("""{ "postgres": { "parameters": { "work_mem": "5MB", "shared_buffers": "100MB" } } }""");
        await UntilWholeAsync();
        Assert.Equal(pods.Select(pod => pod.Metadata.Uid), (await Members.ReadPodsAsync()).Select(pod => pod.Metadata.Uid));
        Assert.All(await ReadParametersAsync("work_mem", "shared_buffers"), values => Assert.Equal("5MB 100MB", values));
        Tell($"parameters in {Stopwatch.GetElapsedTime(began)}: {writer.LongestGapSince(began)} without a created link");

        // A value that PostgreSQL refuses changes nothing; one that does not start ends at the first replica.
        await Lab.PatchAsync("""{ "postgres": { "parameters": { "shared_buffers": "lots" } } }""");
        await Lab.UntilAsync("PostgresUpToDate", "False", reason: "ParametersRefused");
        Assert.All(await ReadParametersAsync("work_mem", "shared_buffers"), values => Assert.Equal("5MB 100MB", values));
        await Lab.PatchAsync("""{ "postgres": { "parameters": { "shared_buffers": "100MB", "shared_preload_libraries": "no_such_library" } } }""");
        await Lab.UntilAsync("PostgresUpToDate", "False", reason: "RolloutStuck");
        await UntilAsync("PostgresReady", "True");
        await Lab.PatchAsync("""{ "postgres": { "parameters": { "work_mem": "4MB", "shared_preload_libraries": null } } }""");
        await UntilWholeAsync();
        Assert.All(await ReadParametersAsync("work_mem", "shared_buffers"), values => Assert.Equal("4MB 100MB", values));

        // One replica does not start; the rollout ends there, and the others go on.
        var before = await Members.ReadPodsAsync();
        await Lab.PatchAsync("""{ "postgres": { "image": "registry.example/no-such-image:1" } }""");
        await Lab.UntilAsync("PostgresUpToDate", "False", reason: "RolloutStuck");
        var during = await Members.ReadPodsAsync();
        Assert.Single(during.Select(pod => pod.Metadata.Uid).Except(before.Select(pod => pod.Metadata.Uid)));
        await Lab.PatchAsync($$"""{ "postgres": { "image": "{{StorePrograms.PostgresImage}}-2" } }""");
        await UntilWholeAsync();

        var acknowledged = await writer.StopAsync();
        Assert.NotEmpty(acknowledged);
        Assert.Empty(await writer.FindLostAsync());
        Tell($"{acknowledged.Count} links acknowledged; longest time without one: switchover {planned}, rollout {rolled}");
    }

    // By the annotation, which works once.
    private async Task<TimeSpan> SwitchOverAsync(LinkWriter writer)
    {
        var (primary, timeline) = await ReadPrimaryAsync();
        await Members.RequestSwitchoverAsync("no-such-member", timeline);
        await UntilRequestIsAsync(SwitchoverState.Refused);
        var began = Stopwatch.GetTimestamp();
        await Members.RequestSwitchoverAsync("any", timeline);
        await UntilRequestIsAsync(SwitchoverState.Done);
        await UntilWholeAsync();
        var outage = writer.LongestGapSince(began);
        var last = (await Lab.ReadAsync()).Status!.Postgres!.LastFailover!;
        Assert.Equal((primary, "Planned"), (last.From, last.Cause));
        Tell($"primary moved from {primary} to {last.To}: {outage} without a created link; the operator tells {last.DurationMillis} ms");
        return outage;
    }

    private async Task<TimeSpan> RollOutAsync(LinkWriter writer, string patch)
    {
        var before = await Members.ReadPodsAsync();
        var began = Stopwatch.GetTimestamp();
        await Lab.PatchAsync(patch);
        await UntilWholeAsync();
        var outage = writer.LongestGapSince(began);
        Assert.Empty((await Members.ReadPodsAsync()).Select(pod => pod.Metadata.Uid).Intersect(before.Select(pod => pod.Metadata.Uid)));
        Tell($"rolled out in {Stopwatch.GetElapsedTime(began)}: {outage} without a created link");
        return outage;
    }

    // Of each member.
    private async Task<IReadOnlyList<string>> ReadParametersAsync(params string[] names)
    {
        var secret = await Lab.Client.CoreV1.ReadNamespacedSecretAsync("eu-postgres-tls", Lab.Namespace, cancellationToken: Token);
        using var connections = new MemberConnections(CertificateData.Parse(secret)!, PostgresNames.ServiceHostOf(await Lab.ReadAsync()));
        var values = new List<string>();
        foreach (var pod in await Members.ReadPodsAsync())
        {
            await using var source = MemberDatabase.Build(pod, connections);
            await using var command = source.CreateCommand($"SELECT {string.Join(" || ' ' || ", names.Select(name => $"current_setting('{name}')"))}");
            values.Add((string)(await command.ExecuteScalarAsync(Token))!);
        }

        return values;
    }

    private static void Tell(string text) => TestContext.Current.TestOutputHelper?.WriteLine(text);
}
