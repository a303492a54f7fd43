using k8s.Models;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>A pod that runs nothing: its status alone says that it is ready.</summary>
internal static class FakePod
{
    /// <summary>Conditions that hold for good.</summary>
    private static readonly string[] Done = ["Initialized", "PodScheduled"];

    /// <summary>Conditions that hold while the pod runs.</summary>
    private static readonly string[] Lasting = ["Ready", "ContainersReady"];

    /// <summary>The status of a pod as soon as it is bound.</summary>
    public static V1PodStatus BuildStatus(V1Pod pod, string address, DateTime now)
    {
        var ends = pod.Spec.RestartPolicy != "Always";
        var state = ends
            ? new V1ContainerState
            {
                Terminated = new V1ContainerStateTerminated
                {
                    ExitCode = 0,
                    Reason = "Completed",
                    StartedAt = now,
                    FinishedAt = now,
                },
            }
            : new V1ContainerState { Running = new V1ContainerStateRunning { StartedAt = now } };
        return new V1PodStatus
        {
            Phase = ends ? "Succeeded" : "Running",
            HostIP = "127.0.0.1",
            PodIP = address,
            PodIPs = [new V1PodIP { Ip = address }],
            StartTime = now,
            Conditions =
            [
                .. Done.Select(type => new V1PodCondition
                {
                    Type = type,
                    Status = "True",
                    LastTransitionTime = now,
                }),
                .. Lasting.Select(type => new V1PodCondition
                {
                    Type = type,
                    Status = ends ? "False" : "True",
                    Reason = ends ? "PodCompleted" : null,
                    LastTransitionTime = now,
                }),
            ],
            ContainerStatuses =
            [
                .. pod.Spec.Containers.Select(container => new V1ContainerStatus
                {
                    Name = container.Name,
                    Image = container.Image,
                    ImageID = "",
                    State = state,
                    Ready = !ends,
                    Started = !ends,
                    RestartCount = 0,
                }),
            ],
        };
    }
}
