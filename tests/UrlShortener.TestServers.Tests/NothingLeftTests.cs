using System.Diagnostics;
using System.Globalization;
using UrlShortener.TestServers.Kubernetes;
using UrlShortener.TestServers.Postgres;
using UrlShortener.TestServers.Redis;
using Xunit;

namespace UrlShortener.TestServers.Tests;

/// <summary>No process, folder or shared memory outlives the process that started the servers.</summary>
[Collection(nameof(NothingLeftTests))]
[CollectionDefinition(nameof(NothingLeftTests), DisableParallelization = true)]
public sealed class NothingLeftTests : ServerTest
{
    [Fact]
    public async Task Dispose_KilledFrozenAndRunningNodes_NothingIsLeft()
    {
        // Those of servers that all tests share.
        var others = Folders(Environment.ProcessId);
        await using var cluster = await StartAsync(new PostgresClusterOptions { Replicas = 2 });
        await using var redis = await StartAsync(new RedisServerOptions { Durable = true });
        var processes = HostProgram.ProcessesOf(cluster, redis);
        var folders = Folders(Environment.ProcessId).Except(others).ToList();
        Assert.Equal(2, folders.Count);
        await cluster.Nodes[0].KillAsync(Token);
        await cluster.Nodes[1].FreezeAsync(Token);

        await cluster.DisposeAsync();
        await redis.DisposeAsync();

        Assert.DoesNotContain(processes, IsAlive);
        Assert.DoesNotContain(folders, Directory.Exists);
        await Eventually.HoldsAsync(() => !SegmentCreators().Any(processes.Contains), "no segment of shared memory is left");
    }

    /// <param name="wholeGroup">Whether the host's process group is killed, as a time limit or a terminal does it, and not the host alone.</param>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task KillOfTheHost_FrozenAndRunningServers_EndAndTheNextStartRemovesTheFolders(bool wholeGroup)
    {
        // So that a machine without the servers skips this test, too.
        await using (await StartAsync(new PostgresClusterOptions()))
        await using (await StartAsync(new RedisServerOptions())) { }

        // In a group of its own.
        var start = new ProcessStartInfo("setsid", [PodProgram.Path, HostProgram.Argument]) { RedirectStandardOutput = true };
        int[] processes;
        using (var host = Process.Start(start)!)
        {
            var line = await host.StandardOutput.ReadLineAsync(Token);
            Assert.NotNull(line);
            processes = [.. line.Split(' ').Select(number => int.Parse(number, CultureInfo.InvariantCulture))];
            Assert.All(processes, process => Assert.True(IsAlive(process)));
            Assert.Equal(2, Folders(host.Id).Count);
            if (wholeGroup)
                await Process.Start("sh", ["-c", $"kill -KILL -{host.Id}"]).WaitForExitAsync(Token);
            else
                host.Kill();
            await host.WaitForExitAsync(Token);
            await Eventually.HoldsAsync(() => !processes.Any(IsAlive), "the servers have ended");

            // Tests of other processes start servers, too, and may be at it.
            await using (await StartAsync(new RedisServerOptions()))
                await Eventually.HoldsAsync(() => Folders(host.Id).Count == 0, "the folders are removed");
        }

        await Eventually.HoldsAsync(() => !SegmentCreators().Any(processes.Contains), "no segment of shared memory is left");
    }

    [Fact]
    public async Task KillOfTheHost_ClusterAndPods_EndWithTheirChildren()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "Only root can run pods as processes of this machine.");
        await using (var cluster = await StartAsync(new KubernetesClusterOptions()))
            RequireLocal(cluster);
        var start = new ProcessStartInfo(PodProgram.Path, [HostProgram.ClusterArgument]) { RedirectStandardOutput = true };
        using var host = Process.Start(start)!;
        var line = await host.StandardOutput.ReadLineAsync(Token);
        Assert.NotNull(line);
        int[] processes = [.. line.Split(' ').Select(number => int.Parse(number, CultureInfo.InvariantCulture))];
        // Three of the control plane, the pod's shell, and four below it.
        Assert.True(processes.Length >= 7, line);
        Assert.All(processes, process => Assert.True(IsAlive(process)));

        host.Kill();
        await host.WaitForExitAsync(Token);

        await Eventually.HoldsAsync(() => !processes.Any(IsAlive), "all have ended");
    }

    private static bool IsAlive(int process)
    {
        var path = $"/proc/{process}/stat";
        try
        {
            return File.ReadAllText(path) is var text && text[text.LastIndexOf(')') + 2] is not ('Z' or 'X');
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static List<string> Folders(int process) =>
        [
            .. new[] { "/dev/shm", Path.GetTempPath() }
                .Where(Directory.Exists)
                .SelectMany(place => Directory.EnumerateDirectories(place, $"urlshortener-servers-{process}-*")),
        ];

    /// <summary>Which processes made the segments of shared memory that there are.</summary>
    private static IEnumerable<int> SegmentCreators() =>
        File.ReadLines("/proc/sysvipc/shm")
            .Skip(1)
            .Select(line => int.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[4], CultureInfo.InvariantCulture));
}
