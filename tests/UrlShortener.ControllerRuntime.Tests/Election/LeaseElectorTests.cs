using System.Diagnostics;
using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Election;
using UrlShortener.TestServers.Kubernetes;
using UrlShortener.TestServers.Network;
using Xunit;

namespace UrlShortener.ControllerRuntime.Tests.Election;

public sealed class LeaseElectorTests(RuntimeClusterFixture fixture) : RuntimeTest
{
    private const string LeaseName = "leader";

    // Only ends a test that fails.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task Lease_WithoutHolder_IsTaken()
    {
        var cluster = await fixture.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("lease", Token);
        await CreateLeaseAsync(client, space.Name, null);

        await using var candidate = await Candidate.StartAsync(cluster, space.Name, "a");

        await candidate.Leadership.WaitAsync(Token).WaitAsync(Limit, Token);
        Assert.Equal("a", await ReadHolderAsync(client, space.Name));
    }

    [Fact]
    public async Task Lease_OfADeadHolder_IsTakenWhenItsTimeIsOver()
    {
        var cluster = await fixture.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("lease", Token);
        // By its own clock it ran out long ago, and that must not count.
        await CreateLeaseAsync(client, space.Name, "dead");
        var started = Stopwatch.GetTimestamp();

        await using var candidate = await Candidate.StartAsync(cluster, space.Name, "a");
        await candidate.Leadership.WaitAsync(Token).WaitAsync(Limit, Token);

        Assert.True(Stopwatch.GetElapsedTime(started) > TimeSpan.FromSeconds(3));
    }

    [Fact]
    public async Task Leader_IsAskedToStop_SuccessorLeadsAtOnce()
    {
        var cluster = await fixture.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("lease", Token);
        // A lease that was not released would hold for longer than the test waits.
        var first = await Candidate.StartAsync(cluster, space.Name, "a", LongTimes());
        await first.Leadership.WaitAsync(Token);
        await using var second = await Candidate.StartAsync(cluster, space.Name, "b", LongTimes());
        await UntilAsync(() => second.Log.Count("LeaseHeldByAnother") > 0, "the second one has seen the lease");
        Assert.False(second.Leadership.IsLeader);

        await first.DisposeAsync();

        await second.Leadership.WaitAsync(Token).WaitAsync(Limit, Token);
        Assert.Empty(first.ExitCodes);
        Assert.Equal("b", await ReadHolderAsync(client, space.Name));

        static LeaseOptions LongTimes() => new() { Duration = 10 * Limit, RenewDeadline = 5 * Limit };
    }

    [Fact]
    public async Task Leader_ConnectionsResetAtEachRenewal_KeepsLeading()
    {
        var cluster = await fixture.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("lease", Token);
        await using var gate = new TcpGate(cluster.Address.Port);
        // Long enough that a busy machine still renews in time: the lease must be lost to the resets or not at all.
        var options = new LeaseOptions
        {
            Duration = TimeSpan.FromSeconds(90),
            RenewDeadline = TimeSpan.FromSeconds(80),
            RetryPeriod = TimeSpan.FromMilliseconds(400),
        };
        await using var leader = await Candidate.StartAsync(cluster, space.Name, "a", options, gate.Port);
        await leader.Leadership.WaitAsync(Token);

        // Each renewal meets a connection that was reset, and finds its way all the same.
        for (var reset = 0; reset < 15; reset++)
        {
            var before = await ReadRenewalAsync();
            gate.Mode = TcpGateMode.Closed;
            gate.Mode = TcpGateMode.Open;
            await UntilAsync(async () => await ReadRenewalAsync() != before, "the lease is renewed");
        }

        Assert.True(leader.Leadership.IsLeader);
        Assert.Empty(leader.ExitCodes);

        async Task<DateTime?> ReadRenewalAsync() =>
            (await client.CoordinationV1.ReadNamespacedLeaseAsync(LeaseName, space.Name, cancellationToken: Token)).Spec.RenewTime;
    }

    [Fact]
    public async Task Leader_CutOff_StopsBeforeAnotherLeadsAndEndsTheProcess()
    {
        var cluster = await fixture.GetAsync();
        await using var space = await cluster.CreateNamespaceAsync("lease", Token);
        await using var gate = new TcpGate(cluster.Address.Port);
        await using var leader = await Candidate.StartAsync(cluster, space.Name, "a", Candidate.ShortTimes(), gate.Port);
        await leader.Leadership.WaitAsync(Token);
        await using var other = await Candidate.StartAsync(cluster, space.Name, "b");

        gate.Mode = TcpGateMode.BlackHole;
        await other.Leadership.WaitAsync(Token).WaitAsync(Limit, Token);

        Assert.False(leader.Leadership.IsLeader);
        await UntilAsync(() => leader.Leadership.Lost.IsCancellationRequested && leader.ExitCodes.Count > 0, "the process is told to end");
        Assert.Equal([1], leader.ExitCodes);
    }

    [Fact]
    public async Task Leader_AnotherWroteItselfIn_StopsAtOnce()
    {
        var cluster = await fixture.GetAsync();
        using var client = cluster.CreateClient();
        await using var space = await cluster.CreateNamespaceAsync("lease", Token);
        await using var leader = await Candidate.StartAsync(cluster, space.Name, "a");
        await leader.Leadership.WaitAsync(Token);

        var patch = new V1Patch("""{"spec":{"holderIdentity":"usurper"}}""", V1Patch.PatchType.MergePatch);
        await client.CoordinationV1.PatchNamespacedLeaseAsync(patch, LeaseName, space.Name, cancellationToken: Token);

        await UntilAsync(() => leader.Leadership.Lost.IsCancellationRequested && leader.ExitCodes.Count > 0, "the leader stops");
        Assert.Equal([1], leader.ExitCodes);
    }

    private static async Task CreateLeaseAsync(IKubernetes client, string space, string? holder) =>
        await client.CoordinationV1.CreateNamespacedLeaseAsync(
            new V1Lease
            {
                Metadata = new V1ObjectMeta { Name = LeaseName },
                Spec = new V1LeaseSpec
                {
                    HolderIdentity = holder,
                    LeaseDurationSeconds = 3,
                    RenewTime = new DateTime(2020, 1, 1, 0, 0, 0, 1, DateTimeKind.Utc),
                },
            },
            space,
            cancellationToken: Token
        );

    private static async Task<string?> ReadHolderAsync(IKubernetes client, string space) =>
        (await client.CoordinationV1.ReadNamespacedLeaseAsync(LeaseName, space, cancellationToken: Token)).Spec.HolderIdentity;

    /// <summary>One process of several, as far as the election goes.</summary>
    private sealed class Candidate : IAsyncDisposable
    {
        private readonly KubernetesClients _clients;
        private readonly LeaseElector _elector;
        private readonly List<int> _exitCodes = [];

        private Candidate(KubernetesClients clients, LeaseOptions options)
        {
            _clients = clients;
            _elector = new LeaseElector(clients, options, Leadership, _exitCodes.Add, TimeProvider.System, Log);
        }

        public Leadership Leadership { get; } = new();

        public TestLog<LeaseElector> Log { get; } = new();

        public List<int> ExitCodes => _exitCodes;

        public static LeaseOptions ShortTimes() =>
            new()
            {
                Duration = TimeSpan.FromSeconds(3),
                RenewDeadline = TimeSpan.FromSeconds(2),
                RetryPeriod = TimeSpan.FromMilliseconds(400),
            };

        public static async Task<Candidate> StartAsync(KubernetesCluster cluster, string space, string identity, LeaseOptions? options = null, int? port = null)
        {
            options ??= ShortTimes();
            (options.Name, options.Namespace, options.Identity) = (LeaseName, space, identity);
            var candidate = new Candidate(Connect(cluster.Kubeconfig, port), options);
            await candidate._elector.StartAsync(Token);
            return candidate;
        }

        public async ValueTask DisposeAsync()
        {
            await _elector.StopAsync(CancellationToken.None);
            _elector.Dispose();
            _clients.Dispose();
        }
    }
}
