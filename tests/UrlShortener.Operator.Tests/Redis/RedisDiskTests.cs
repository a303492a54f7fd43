using UrlShortener.Operator.Redis.Cluster;
using Xunit;

namespace UrlShortener.Operator.Tests.Redis;

/// <summary>A volume that is full.</summary>
public sealed class RedisDiskTests(ApiServerFixture apiServer)
{
    [Fact]
    public async Task Volume_Full_IsToldAndServesAgainWhenThereIsRoom()
    {
        using var volume = BoundedVolume.Mount(mebibytes: 96);
        await using var lab = await RedisLab.StartAsync(apiServer, volumes: volume.Folder);
        await lab.CreateAsync(nodeTimeoutMillis: RedisLab.PatientMillis);
        await lab.UntilReadyAsync();
        var master = await lab.FindMasterAsync(0);
        var key = await lab.FindKeyAsync(master, SlotRange.Of(0, 3));
        Assert.True((await lab.SendAsync(master, "SET", key, "kept")).Succeeded);

        volume.Fill();
        // The file of the node takes what is left in its last block, then no more.
        await Eventually.HoldsAsync(
            async () => (await lab.SendAsync(master, "SET", key, new string('x', 8192))).Error?.StartsWith("MISCONF", StringComparison.Ordinal) == true,
            () => "the master refuses writes",
            TimeSpan.FromSeconds(60)
        );
        await lab.UntilAsync(
            region =>
                region.Status?.Redis?.State == "Degraded"
                && region.Status.Conditions!.Any(condition =>
                    condition is { Type: "RedisDegraded", Status: "True", Reason: "PersistenceFailing" }
                    && condition.Message.Contains(master, StringComparison.Ordinal)
                ),
            "the full volume is told"
        );
        Assert.True((await lab.SendAsync(master, "GET", key)).Succeeded);

        volume.Free();
        await lab.UntilReadyAsync();
        await Eventually.HoldsAsync(
            async () => (await lab.SendAsync(master, "SET", key, "written")).Succeeded,
            () => "the master takes writes again",
            TimeSpan.FromSeconds(60)
        );
        Assert.All(await lab.ReadPodsAsync(), pod => Assert.Equal(0, pod.Status.ContainerStatuses[0].RestartCount));
    }
}
