using System.Diagnostics;
using k8s;
using k8s.Models;
using Npgsql;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Certificates;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Postgres;
using UrlShortener.Operator.Tests.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.Postgres;

/// <summary>The PostgreSQL that the operator runs: real Patroni and PostgreSQL in pods of this machine, and the real product in front of them.</summary>
public sealed class PostgresTests(ApiServerFixture apiServer, StoresFixture stores) : RegionTest(apiServer, stores)
{
    private const int Stop = 19;

    // Much longer than an assisted failover takes, and less than the lock lives: on a busy machine it still tells the one from the other.
    private static readonly TimeSpan AssistedLimit = TimeSpan.FromSeconds(15);

    // A lock that expires, an election, and a busy machine.
    private static readonly TimeSpan NativeLimit = TimeSpan.FromSeconds(60);

    private PostgresMembers Members => new(Lab);

    [Fact]
    public async Task Primary_LostInSeveralWays_IsReplacedAndNoAcknowledgedLinkIsLost()
    {
        // Patroni that stands still has to be ended in time.
        await StartAsync(programs: await Availability.OrSkipAsync(StorePrograms.FindAsync(Token)), patience: 1);
        await Lab.Client.CreateAsync(Lab.Region(patch: PostgresMembers.Patch));
        await Members.UntilWholeAsync();
        await Lab.UntilAsync("Ready", "True");
        var service = await Lab.OpenServiceAsync();
        using var http = RegionLab.NewHttp(service);
        await using var writer = new LinkWriter(http);

        // Killed at once, as by the kernel when memory runs out.
        var killed = await KillAsync(writer);
        Assert.True(killed.Outage < writer.Allow(AssistedLimit), $"{killed.Outage}");

        // Deleted by force: its process may acknowledge writes until the kubelet learns of it, and replicas help it as long as they receive from it. So this is no
        // proof of death. Its successor has the same name and the same volume, and waits for its end.
        var uid = (await Members.ReadPodsAsync()).Single(pod => pod.Metadata.Name == killed.Primary).Metadata.Uid;
        var began = Stopwatch.GetTimestamp();
        await Lab.Client.CoreV1.DeleteNamespacedPodAsync(killed.Primary, Lab.Namespace, gracePeriodSeconds: 0, cancellationToken: Token);
        await Members.UntilSucceededAsync(killed.Primary, uid);
        await AwaitLinksAsync(writer);
        await Members.UntilWholeAsync();
        var deleted = writer.LongestGapSince(began);
        Assert.True(deleted < writer.Allow(NativeLimit), $"{deleted}");

        // Another operator takes over: it changes nothing, and no process ends.
        var before = await Members.ReadProcessesAsync();
        await Lab.Operator.StopAsync();
        var since = TimeProvider.System.GetUtcNow();
        await Lab.StartOperatorAsync();
        await Members.UntilWholeAsync();
        Assert.Equal(before, await Members.ReadProcessesAsync());
        Assert.DoesNotContain(await Lab.ReadWritesAsync(since), write => write.Resource is "statefulsets" or "pods");
        await Lab.UntilAsync("PostgresReady", "True");

        // A renewed certificate is served by all members, without a restart.
        var renewed = await RenewCertificateAsync();
        foreach (var member in await Members.ReadPodsAsync())
        {
            await Eventually.HoldsAsync(async () => await ReadSerialAsync(member) == renewed, () => $"{member.Metadata.Name} serves the renewed certificate");
        }

        Assert.Equal(before, await Members.ReadProcessesAsync());
        await Members.UntilWholeAsync();

        // All Secrets are lost while no operator runs, so that nobody knows the authority of the members' certificates any more.
        await Lab.Operator.StopAsync();
        foreach (var name in (string[])["eu-postgres-tls", "eu-postgres-app", "eu-postgres-connection"])
            await Lab.Client.CoreV1.DeleteNamespacedSecretAsync(name, Lab.Namespace, cancellationToken: Token);
        await Lab.StartOperatorAsync();
        await Eventually.HoldsAsync(
            async () => await ReadSecretSerialAsync() is { } created && await ReadSerialsAsync() is var served && served.All(serial => serial == created),
            () => "all members serve the certificate of a new authority"
        );
        await Lab.UntilAsync("Ready", "True");
        await Members.UntilWholeAsync();
        Assert.Equal(before, await Members.ReadProcessesAsync());

        // Somebody removes a label by which Patroni finds its lock, and its record of the synchronous replicas.
        foreach (var map in (string[])["eu-postgres-leader", "eu-postgres-sync"])
            await PatchMapAsync(map, """{ "labels": { "app.kubernetes.io/managed-by": null } }""");
        await Eventually.HoldsAsync(
            async () =>
                (await ReadMapAsync("eu-postgres-leader")).Metadata.Labels.ContainsKey("app.kubernetes.io/managed-by")
                && (await ReadMapAsync("eu-postgres-sync")).Metadata.Labels.ContainsKey("app.kubernetes.io/managed-by"),
            () => "the labels are back"
        );
        await AwaitLinksAsync(writer);
        await Members.UntilWholeAsync();

        // Somebody edits that record. Nonsense that Patroni mends by itself, and a record that it refuses in each loop, for ever: the operator resets that.
        var replicas = await Members.ReadSyncAsync();
        await PatchMapAsync("eu-postgres-sync", """{ "annotations": { "leader": "nobody", "sync_standby": "no-such-member", "quorum": "a few" } }""");
        await Eventually.HoldsAsync(async () => (await Members.ReadSyncAsync()).Count == 2, () => "Patroni mends the record");
        await PatchMapAsync(
            "eu-postgres-sync",
            $$"""{ "annotations": { "leader": "{{replicas[0]}}", "sync_standby": "{{await Members.ReadPrimaryAsync()}}", "quorum": "1" } }"""
        );

        // A member tells how full its volume is, again only when that has changed by a percent.
        var full = replicas[0];
        await Eventually.HoldsAsync(async () => await ReadRoomAsync(full) is not null, () => "the member tells the room on its volume");
        var room = await ReadRoomAsync(full);
        // Again and again: the volume is the machine's, whose room changes, and then the member tells it.
        await Eventually.HoldsAsync(
            async () =>
            {
                await SetRoomAsync(full, "4096/1073741824");
                return (await Lab.ReadAsync()).Status!.Conditions!.Any(condition =>
                    condition is { Type: "PostgresDegraded", Status: "True", Reason: Reasons.VolumeFull }
                    && condition.Message.Contains($"{full} has 0 of 1024 MiB left", StringComparison.Ordinal)
                );
            },
            () => "the operator tells of the full volume"
        );
        await SetRoomAsync(full, room!);
        await Lab.UntilAsync("PostgresDegraded", "False");
        await Eventually.HoldsAsync(() => HasEventAsync("SynchronyReset", $"is of {replicas[0]},"), () => "the operator resets the record");
        await Members.UntilWholeAsync();
        Assert.Equal(before, await Members.ReadProcessesAsync());

        // Patroni stands still and PostgreSQL goes on: no proof of death, until the lock expires or the kubelet ends the container, whichever is first. A
        // container that is started again before anybody else has the lock keeps it.
        var frozen = await Members.ReadPrimaryAsync();
        var container = await ReadContainerAsync(frozen);
        await Lab.Kubelet.SignalProcessesAsync(Lab.Namespace, frozen, "patroni", Stop);
        await Eventually.HoldsAsync(
            async () => await Members.ReadLockAsync() is { } holder && (holder != frozen || await ReadContainerAsync(frozen) != container),
            () => "another member leads, or another process of this one"
        );
        await AwaitLinksAsync(writer);
        await Eventually.HoldsAsync(
            async () => (await Members.ReadLabelledAsync()) is [var only] && only == await Members.ReadLockAsync(),
            () => "its pod alone has the label of a primary"
        );
        await Members.UntilWholeAsync();

        var acknowledged = await writer.StopAsync();
        Assert.NotEmpty(acknowledged);
        Assert.Empty(await writer.FindLostAsync());
        Tell($"{acknowledged.Count} links acknowledged; longest time without one: killed {killed.Outage}, deleted {deleted}");
    }

    private Task<V1ConfigMap> ReadMapAsync(string name) => Lab.Client.CoreV1.ReadNamespacedConfigMapAsync(name, Lab.Namespace, cancellationToken: Token);

    private Task<V1ConfigMap> PatchMapAsync(string name, string metadata) =>
        Lab.Client.CoreV1.PatchNamespacedConfigMapAsync(
            new V1Patch($$"""{ "metadata": {{metadata}} }""", V1Patch.PatchType.MergePatch),
            name,
            Lab.Namespace,
            cancellationToken: Token
        );

    private async Task<bool> HasEventAsync(string reason, string words) =>
        (await Lab.Client.EventsV1.ListNamespacedEventAsync(Lab.Namespace, cancellationToken: Token)).Items.Any(one =>
            one.Reason == reason && one.Note.Contains(words, StringComparison.Ordinal)
        );

    private async Task<string> ReadContainerAsync(string member) =>
        (await Lab.Client.CoreV1.ReadNamespacedPodAsync(member, Lab.Namespace, cancellationToken: Token)).Status.ContainerStatuses[0].ContainerID;

    private async Task<string?> ReadRoomAsync(string member) =>
        Labels.AnnotationOf((await Lab.Client.CoreV1.ReadNamespacedPodAsync(member, Lab.Namespace, cancellationToken: Token)).Metadata, Labels.Volume);

    private Task<V1Pod> SetRoomAsync(string member, string room) =>
        Lab.Client.CoreV1.PatchNamespacedPodAsync(
            new V1Patch($$"""{ "metadata": { "annotations": { "{{Labels.Volume}}": "{{room}}" } } }""", V1Patch.PatchType.MergePatch),
            member,
            Lab.Namespace,
            cancellationToken: Token
        );

    private static Task AwaitLinksAsync(LinkWriter writer)
    {
        var since = Stopwatch.GetTimestamp();
        return Eventually.HoldsAsync(() => Task.FromResult(writer.LastAt > since), () => "links are created again");
    }

    private async Task<(TimeSpan Outage, string Primary)> KillAsync(LinkWriter writer)
    {
        var primary = await Members.ReadPrimaryAsync();
        var began = Stopwatch.GetTimestamp();
        await Members.KillUntilAnotherLeadsAsync(Lab.Kubelet, primary);
        await AwaitLinksAsync(writer);
        await Eventually.HoldsAsync(
            async () => (await Lab.ReadAsync()).Status?.Postgres?.LastFailover is { } last && last.From == primary,
            () => "the status tells of the failover"
        );
        var told = (await Lab.ReadAsync()).Status!.Postgres!.LastFailover!;
        Assert.Equal("Assisted", told.Cause);
        await Members.UntilWholeAsync();
        // Only now: a primary whose pod was deleted by force accepts writes until its process has ended.
        var outage = writer.LongestGapSince(began);
        Tell($"{primary} lost: {outage} without a created link; the operator tells {told.DurationMillis} ms");
        return (outage, await Members.ReadPrimaryAsync());
    }

    // As the operator does when the certificate ages.
    private async Task<string> RenewCertificateAsync()
    {
        var region = await Lab.ReadAsync();
        var secret = await Lab.Client.CoreV1.ReadNamespacedSecretAsync("eu-postgres-tls", Lab.Namespace, cancellationToken: Token);
        var set = CertificateData.Parse(secret)!;
        var profile = new CertificateProfile("eu postgres", PostgresNames.CertificateNamesOf(region), IsClient: true);
        var serving = CertificateIssuer.CreateServing(set.Authority, profile, TimeProvider.System.GetUtcNow());
        secret.Data = CertificateData.Build(set with { Serving = serving });
        await Lab.Client.CoreV1.ReplaceNamespacedSecretAsync(secret, secret.Metadata.Name, Lab.Namespace, cancellationToken: Token);
        using var certificate = serving.Open();
        return certificate.SerialNumber;
    }

    private async Task<string?> ReadSecretSerialAsync()
    {
        var secrets = await Lab.Client.CoreV1.ListNamespacedSecretAsync(
            Lab.Namespace,
            fieldSelector: "metadata.name=eu-postgres-tls",
            cancellationToken: Token
        );
        if (secrets.Items is not [{ } secret] || CertificateData.Parse(secret) is not { } set)
            return null;
        using var certificate = set.Serving.Open();
        return certificate.SerialNumber;
    }

    private async Task<IReadOnlyList<string?>> ReadSerialsAsync() => await Task.WhenAll((await Members.ReadPodsAsync()).Select(ReadSerialAsync));

    // The certificate that PostgreSQL serves.
    private static async Task<string?> ReadSerialAsync(V1Pod pod)
    {
        string? serial = null;
        var builder = new NpgsqlDataSourceBuilder($"Host={pod.Status.PodIP};Username=nobody;Database=postgres;SSL Mode=Require;Pooling=false;Timeout=60");
        builder.UseSslClientAuthenticationOptionsCallback(options =>
            options.RemoteCertificateValidationCallback = (_, certificate, _, _) =>
            {
                serial = certificate?.GetSerialNumberString();
                return certificate is not null;
            }
        );
        await using var source = builder.Build();
        try
        {
            await using var connection = await source.OpenConnectionAsync(Token);
        }
        catch (NpgsqlException)
        {
            // There is no such user. The handshake was before.
        }

        return serial;
    }

    private static void Tell(string text) => TestContext.Current.TestOutputHelper?.WriteLine(text);
}
