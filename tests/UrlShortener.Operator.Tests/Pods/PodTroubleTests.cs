using k8s.Models;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Pods;
using Xunit;

namespace UrlShortener.Operator.Tests.Pods;

public sealed class PodTroubleTests
{
    private static readonly DateTime Noon = new(2030, 1, 31, 12, 0, 0, DateTimeKind.Utc);

    [Theory]
    [InlineData("ErrImagePull", Reasons.ImagePullBackOff)]
    [InlineData("ImagePullBackOff", Reasons.ImagePullBackOff)]
    [InlineData("InvalidImageName", Reasons.ImagePullBackOff)]
    [InlineData("CreateContainerConfigError", Reasons.CreateContainerConfigError)]
    [InlineData("RunContainerError", Reasons.CreateContainerError)]
    public void Find_ContainerThatCannotStart_IsNamed(string waiting, string reason)
    {
        var trouble = Find(
            Pod(
                new V1ContainerState
                {
                    Waiting = new V1ContainerStateWaiting { Reason = waiting, Message = "not found" },
                }
            )
        );

        Assert.Equal(new PodTrouble(reason, $"pod eu: {waiting}, not found", IsLasting: true), trouble);
    }

    [Theory]
    [InlineData("ContainerCreating")]
    [InlineData("PodInitializing")]
    public void Find_Starting_IsNoTrouble(string waiting) =>
        Assert.Null(Find(Pod(new V1ContainerState { Waiting = new V1ContainerStateWaiting { Reason = waiting } })));

    [Fact]
    public void Find_Crashing_StaysUntilTheContainerIsReady()
    {
        var ended = new V1ContainerState
        {
            Terminated = new V1ContainerStateTerminated
            {
                ExitCode = 78,
                Reason = "Error",
                Message = "The key is wrong.\n",
            },
        };
        var backOff = new V1ContainerState
        {
            Waiting = new V1ContainerStateWaiting { Reason = "CrashLoopBackOff", Message = "back-off 10s" },
        };
        var running = new V1ContainerState { Running = new V1ContainerStateRunning() };
        var expected = new PodTrouble(Reasons.CrashLoopBackOff, "pod eu: exit code 78: The key is wrong.", IsLasting: true);

        Assert.Equal(expected with { IsLasting = false }, Find(Pod(ended)));
        Assert.Equal(expected, Find(Pod(backOff, ended, restarts: 1)));
        Assert.Equal(expected, Find(Pod(running, ended, restarts: 2)));
        Assert.Null(Find(Pod(running, ended, restarts: 2, isReady: true)));
    }

    [Fact]
    public void Find_OutOfMemory_IsNamed()
    {
        var killed = new V1ContainerState
        {
            Terminated = new V1ContainerStateTerminated { ExitCode = 137, Reason = "OOMKilled" },
        };

        Assert.Equal("pod eu: OOMKilled, exit code 137", Find(Pod(killed))?.Text);
    }

    [Theory]
    [InlineData(29, false)]
    [InlineData(30, true)]
    public void Find_NoNode_CountsAfterAWhile(int seconds, bool isLasting)
    {
        var pod = Pod(new V1ContainerState());
        pod.Status.ContainerStatuses = null;
        pod.Status.Conditions =
        [
            new V1PodCondition
            {
                Type = "PodScheduled",
                Status = "False",
                Reason = "Unschedulable",
                Message = "0/1 nodes are available: 1 Insufficient cpu.",
                LastTransitionTime = Noon.AddSeconds(-seconds),
            },
        ];

        var trouble = Find(pod);

        Assert.Equal((Reasons.Unschedulable, isLasting), (trouble?.Reason, trouble?.IsLasting));
        Assert.Contains("Insufficient cpu", trouble!.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Find_PodsThatEndOrEnded_DoNotCount()
    {
        var waiting = new V1ContainerState { Waiting = new V1ContainerStateWaiting { Reason = "ErrImagePull" } };
        var (deleted, evicted) = (Pod(waiting), Pod(waiting));
        deleted.Metadata.DeletionTimestamp = Noon;
        evicted.Status.Phase = "Failed";

        Assert.Null(Find(deleted, evicted));
    }

    [Fact]
    public void FindFailure_OfAJob_IsThatOfTheNewestPod()
    {
        var (first, second) = (Failed("one"), Failed("two"));
        second.Metadata.CreationTimestamp = Noon.AddSeconds(10);

        Assert.Equal("exit code 1: two", PodTrouble.FindFailure([first, second]));
        Assert.Null(PodTrouble.FindFailure([Pod(new V1ContainerState())]));
    }

    private static PodTrouble? Find(params V1Pod[] pods) => PodTrouble.Find(pods, new DateTimeOffset(Noon));

    private static V1Pod Failed(string message)
    {
        var pod = Pod(
            new V1ContainerState
            {
                Terminated = new V1ContainerStateTerminated
                {
                    ExitCode = 1,
                    Reason = "Error",
                    Message = message,
                },
            }
        );
        pod.Status.Phase = "Failed";
        return pod;
    }

    private static V1Pod Pod(V1ContainerState state, V1ContainerState? last = null, int restarts = 0, bool isReady = false) =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = "eu", CreationTimestamp = Noon },
            Status = new V1PodStatus
            {
                ContainerStatuses =
                [
                    new V1ContainerStatus
                    {
                        Name = RuntimePod.Container,
                        State = state,
                        LastState = last,
                        RestartCount = restarts,
                        Ready = isReady,
                    },
                ],
            },
        };
}
