using System.Diagnostics;
using System.Globalization;
using k8s;
using k8s.Models;
using UrlShortener.TestServers.Kubernetes;
using Xunit;

namespace UrlShortener.ControllerRuntime.Tests.Election;

/// <summary>Leaders as processes of their own. Alone on the machine: their lease is short, and a leader that others keep from renewing it ends, as it
/// should.</summary>
[Collection(nameof(FrozenLeaderTests))]
[CollectionDefinition(nameof(FrozenLeaderTests), DisableParallelization = true)]
public sealed class FrozenLeaderTests(RuntimeClusterFixture fixture) : RuntimeTest
{
    [Fact]
    public async Task Leader_FrozenWhileAnotherTakesOver_BeginsNoWriteWhenItGoesOnAndEnds()
    {
        var cluster = await fixture.GetAsync();
        Assert.SkipUnless(cluster.IsLocal, "Writes are counted in the audit log of a control plane of local processes (KUBEBUILDER_ASSETS).");
        await using var space = await cluster.CreateNamespaceAsync("frozen", Token);
        using var client = cluster.CreateClient();
        await client.CoreV1.CreateNamespacedConfigMapAsync(
            new V1ConfigMap { Metadata = new V1ObjectMeta { Name = LeaderProgram.Written } },
            space.Name,
            cancellationToken: Token
        );
        var (first, second) = (await MakeUserAsync(cluster, space.Name, "first"), await MakeUserAsync(cluster, space.Name, "second"));
        var frozen = Start(first, space.Name);
        await UntilAsync(
            async () =>
            {
                // A leader that a busy machine keeps from renewing its lease ends, as it should. Another one follows.
                if (frozen.HasExited)
                {
                    frozen.Dispose();
                    frozen = Start(first, space.Name);
                }

                return await CountAsync(first) > 10 && !frozen.HasExited;
            },
            "the first one writes"
        );
        using var successor = Start(second, space.Name);

        await SignalAsync(frozen, "STOP");
        await UntilAsync(async () => await CountAsync(second) > 10, "the second one writes");
        var resumed = TimeProvider.System.GetUtcNow();
        await SignalAsync(frozen, "CONT");
        await frozen.WaitForExitAsync(Token).WaitAsync(TimeSpan.FromMinutes(5), Token);

        Assert.Equal(1, frozen.ExitCode);
        // One may have been on its way to the server, past all questions, when the process was stopped; the writer has one at a time.
        Assert.InRange((await cluster.ReadAuditAsync(one => one.User == first.Name && one.IsWrite && one.ReceivedAt >= resumed, Token)).Count, 0, 1);
        successor.StandardInput.Close();
        await successor.WaitForExitAsync(Token).WaitAsync(TimeSpan.FromMinutes(5), Token);
        Assert.Equal(0, successor.ExitCode);

        async Task<int> CountAsync(KubernetesUser user) =>
            (await cluster.ReadAuditAsync(one => one.User == user.Name && one is { Verb: "patch", Code: 200 }, Token)).Count;
    }

    private static Task<KubernetesUser> MakeUserAsync(KubernetesCluster cluster, string space, string name) =>
        cluster.MakeUserAsync(
            space,
            name,
            [
                new V1PolicyRule
                {
                    ApiGroups = [""],
                    Resources = ["configmaps"],
                    Verbs = ["patch"],
                },
                new V1PolicyRule
                {
                    ApiGroups = ["coordination.k8s.io"],
                    Resources = ["leases"],
                    Verbs = ["get", "create", "update"],
                },
            ],
            everywhere: false,
            Token
        );

    private static Process Start(KubernetesUser user, string space) =>
        Process.Start(
            new ProcessStartInfo("dotnet", [typeof(LeaderProgram).Assembly.Location, LeaderProgram.Argument, user.Kubeconfig, space])
            {
                RedirectStandardInput = true,
            }
        )!;

    private static async Task SignalAsync(Process process, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync(Token);
        Assert.Equal(0, kill.ExitCode);
    }
}
