using UrlShortener.TestServers.Kubernetes.Kubelet;
using Xunit;

namespace UrlShortener.TestServers.Tests;

public sealed class ContainerRootTests
{
    private static readonly ContainerRoot Root = new()
    {
        HostMounts = ["/", "/proc", "/proc/sys", "/run", "/run/netns", "/dev", "/dev/shm", "/dev/pts", "/work place"],
        Base = "/base",
        HostName = "redis-0",
        Mounts = [new ContainerMount("/claims/it's", "/data", IsReadOnly: false), new ContainerMount("/maps/one", "/etc/redis")],
        HostsFile = "/pod/hosts",
        WorkingFolder = "/pod",
        StartedFile = "/pod/started",
    };

    [Fact]
    public void BuildScript_MountsOfTheMachine_OnlyTheOutermostAreTaken()
    {
        var lines = Root.BuildScript().Split('\n');

        Assert.Equal(
            ["mount --rbind '/dev' './dev'", "mount --rbind '/work place' './work place'"],
            lines.TakeWhile(line => line != "mount -t proc proc proc").Where(line => line.StartsWith("mount --rbind", StringComparison.Ordinal))
        );
    }

    [Fact]
    public void BuildScript_Volumes_AreQuotedAndReadOnlyWhereTheyAre()
    {
        var script = Root.BuildScript();

        Assert.Contains(@"mount --rbind '/.host/claims/it'\''s' '/data'" + "\n", script, StringComparison.Ordinal);
        Assert.Contains("mount -o remount,bind,ro '/etc/redis'\n", script, StringComparison.Ordinal);
        Assert.DoesNotContain("ro '/data'", script, StringComparison.Ordinal);
    }

    [Fact]
    public void BuildScript_TmpOfItsOwnFileSystem_IsCopiedOnWriteToo() =>
        Assert.Contains("view tmp /tmp tmp 1777\n", (Root with { HostMounts = ["/", "/tmp"] }).BuildScript(), StringComparison.Ordinal);
}
