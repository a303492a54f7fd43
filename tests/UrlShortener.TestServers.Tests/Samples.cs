using k8s.Models;
using UrlShortener.TestServers.Kubernetes.Kubelet;

namespace UrlShortener.TestServers.Tests;

/// <summary>Objects that tests put into a cluster.</summary>
internal static class Samples
{
    /// <summary>A ConfigMap of one entry.</summary>
    public static V1ConfigMap ConfigMap(string name, string key, string value) =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = name },
            Data = new Dictionary<string, string> { [key] = value },
        };

    /// <summary>Runs the images of these samples: <c>web:…</c> serves HTTP on port 8080, <c>shell</c> runs the container's command.</summary>
    public static ContainerProgram? Program(ContainerLaunch launch) =>
        launch.Image switch
        {
            "shell" => launch.Run(launch.Command[0], launch.Command.Skip(1)),
            "web:1" or "web:2" => launch.Run(PodProgram.Path, PodProgram.Argument, launch.PodIp, "8080"),
            _ => null,
        };

    /// <summary>A container that runs a script of a shell.</summary>
    public static V1Container Shell(string script) =>
        new()
        {
            Name = "main",
            Image = "shell",
            Command = ["sh", "-c", script],
        };

    /// <summary>A container that serves HTTP, and is ready when it does.</summary>
    public static V1Container Web(string greeting, string image = "web:1") =>
        new()
        {
            Name = "main",
            Image = image,
            Env = [new V1EnvVar { Name = "GREETING", Value = greeting }],
            Ports = [new V1ContainerPort { Name = "http", ContainerPort = 8080 }],
            ReadinessProbe = new V1Probe
            {
                HttpGet = new V1HTTPGetAction { Path = "/", Port = "http" },
                PeriodSeconds = 1,
            },
        };

    /// <summary>A pod of one container.</summary>
    public static V1Pod Pod(string name, V1Container container, string restartPolicy = "Always", int grace = 30) =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = name, Labels = Labels(name) },
            Spec = new V1PodSpec
            {
                Containers = [container],
                RestartPolicy = restartPolicy,
                TerminationGracePeriodSeconds = grace,
            },
        };

    /// <summary>A job of one container that is not tried again.</summary>
    public static V1Job Job(string name, V1Container container) =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = name },
            Spec = new V1JobSpec
            {
                BackoffLimit = 0,
                Template = new V1PodTemplateSpec
                {
                    Spec = new V1PodSpec { Containers = [container], RestartPolicy = "Never" },
                },
            },
        };

    /// <summary>A Service to the pods of a deployment.</summary>
    public static V1Service Service(string name) =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = name },
            Spec = new V1ServiceSpec
            {
                Selector = Labels(name),
                Ports =
                [
                    new V1ServicePort
                    {
                        Name = "http",
                        Port = 80,
                        TargetPort = "http",
                    },
                ],
            },
        };

    /// <summary>A deployment whose pods have the label <c>app</c> and one container.</summary>
    public static V1Deployment Deployment(string name, int replicas, V1Container? container = null) =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = name },
            Spec = new V1DeploymentSpec
            {
                Replicas = replicas,
                Selector = new V1LabelSelector { MatchLabels = Labels(name) },
                Template = new V1PodTemplateSpec
                {
                    Metadata = new V1ObjectMeta { Labels = Labels(name) },
                    Spec = new V1PodSpec { Containers = [container ?? Web("hello")] },
                },
            },
        };

    private static Dictionary<string, string> Labels(string name) => new() { ["app"] = name };
}
