using k8s.Models;
using UrlShortener.Operator.Pods;
using Xunit;

namespace UrlShortener.Operator.Tests.Pods;

public sealed class DeathProofTests
{
    private static readonly RunningProcess Process = new("eu-postgres-0", "uid-1", "postgres", "id-1", "n1");

    [Fact]
    public void Of_RunningProcess_IsNoProof() => Assert.Null(DeathProof.Of(Process, Pod()));

    [Theory]
    [InlineData("Unknown")]
    // The garbage collector of pods writes it when their node's object is gone, whatever runs there.
    [InlineData("Failed")]
    public void Of_PodNotReady_IsNoProof(string phase)
    {
        var pod = Pod();
        pod.Status.Phase = phase;
        pod.Status.Conditions = [new V1PodCondition { Type = "Ready", Status = "False" }];
        pod.Metadata.DeletionTimestamp = new DateTime(2030, 1, 1, 0, 0, 0, DateTimeKind.Utc);
        Assert.Null(DeathProof.Of(Process, pod));
    }

    // After a deletion by force the process may run on, for seconds or, on a node that is cut off, for ever.
    [Fact]
    public void Of_PodGone_IsNoProof() => Assert.Null(DeathProof.Of(Process, null));

    [Fact]
    public void Of_SuccessorWithItsName_IsNoProof()
    {
        var pod = Pod();
        pod.Metadata.Uid = "uid-2";
        pod.Status.ContainerStatuses[0].ContainerID = "id-2";
        Assert.Null(DeathProof.Of(Process, pod));
    }

    [Fact]
    public void Of_EndedContainer_IsProof()
    {
        var pod = Pod();
        pod.Status.ContainerStatuses[0].State = new V1ContainerState { Terminated = new V1ContainerStateTerminated { ExitCode = 137 } };
        Assert.Equal("its container ended with exit code 137", DeathProof.Of(Process, pod));
    }

    [Fact]
    public void Of_WaitingForItsNextStart_IsProof()
    {
        var pod = Pod();
        pod.Status.ContainerStatuses[0].State = new V1ContainerState { Waiting = new V1ContainerStateWaiting { Reason = "CrashLoopBackOff" } };
        pod.Status.ContainerStatuses[0].LastState = new V1ContainerState { Terminated = new V1ContainerStateTerminated { ExitCode = 1 } };
        Assert.Equal("its container ended with exit code 1", DeathProof.Of(Process, pod));
    }

    [Fact]
    public void Of_ContainerStartedAgain_IsProof()
    {
        var pod = Pod();
        pod.Status.ContainerStatuses[0].ContainerID = "id-2";
        Assert.Equal("its container was started again", DeathProof.Of(Process, pod));
    }

    [Fact]
    public void RunningProcess_OfAPod_IsTheOneThatRuns()
    {
        Assert.Equal(Process, RunningProcess.Of(Pod(), "postgres"));
        Assert.Null(RunningProcess.Of(Pod(), "other"));
    }

    private static V1Pod Pod() =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = "eu-postgres-0", Uid = "uid-1" },
            Spec = new V1PodSpec { NodeName = "n1" },
            Status = new V1PodStatus
            {
                Phase = "Running",
                ContainerStatuses =
                [
                    new V1ContainerStatus
                    {
                        Name = "postgres",
                        ContainerID = "id-1",
                        State = new V1ContainerState { Running = new V1ContainerStateRunning() },
                    },
                ],
            },
        };
}
