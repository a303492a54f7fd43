using System.Globalization;
using k8s.Models;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>How a container is now, as its pod's status tells it.</summary>
internal sealed record ContainerState
{
    /// <summary>Waiting, running or terminated.</summary>
    public required V1ContainerState Current { get; init; }

    /// <summary>How it ended last, when it was started again.</summary>
    public V1ContainerState? Last { get; init; }

    /// <summary>Whether the startup probe has succeeded, or there is none and the program runs.</summary>
    public bool Started { get; init; }

    /// <summary>Whether the readiness probe succeeds, or there is none and the program has started.</summary>
    public bool Ready { get; init; }

    /// <summary>How often it was started again.</summary>
    public int Restarts { get; init; }

    public bool IsRunning => Current.Running is not null;

    public bool IsTerminated => Current.Terminated is not null;

    /// <summary>A container that waits.</summary>
    public static ContainerState Waiting(string reason, string? message = null) =>
        new()
        {
            Current = new V1ContainerState
            {
                Waiting = new V1ContainerStateWaiting { Reason = reason, Message = message },
            },
        };

    /// <summary>What the pod's status says of it.</summary>
    public V1ContainerStatus ToStatus(V1Pod pod, V1Container container) =>
        new()
        {
            Name = container.Name,
            Image = container.Image,
            // Required, and of no meaning for a program of this machine.
            ImageID = "",
            State = Current,
            LastState = Last,
            Ready = Ready,
            Started = Started,
            RestartCount = Restarts,
            ContainerID = IsRunning || IsTerminated ? IdOf(pod, container, Restarts) : null,
        };

    /// <summary>A name that no other start of any container has.</summary>
    public static string IdOf(V1Pod pod, V1Container container, int restarts) =>
        string.Create(CultureInfo.InvariantCulture, $"process://{pod.Metadata.Uid}/{container.Name}/{restarts}");
}
