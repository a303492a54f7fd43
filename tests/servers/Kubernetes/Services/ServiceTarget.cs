using System.Globalization;
using System.Net;
using k8s;
using k8s.Models;

namespace UrlShortener.TestServers.Kubernetes.Services;

/// <summary>Where one port of a Service leads: which pods, and which of their ports.</summary>
internal sealed record ServiceTarget(string Namespace, string Service, string Selector, IntOrString Port)
{
    /// <summary>Reads the Service. The port is its number or its name there.</summary>
    public static async Task<ServiceTarget> FindAsync(
        IKubernetes client,
        string namespaceName,
        string service,
        IntOrString port,
        CancellationToken cancellationToken
    )
    {
        var found = await client.CoreV1.ReadNamespacedServiceAsync(service, namespaceName, cancellationToken: cancellationToken);
        if (found.Spec.Selector is not { Count: > 0 } selector)
            throw new InvalidOperationException($"The Service {namespaceName}/{service} has no selector.");
        var entry =
            found.Spec.Ports.FirstOrDefault(one => one.Name == port.ToString() || one.Port.ToString(CultureInfo.InvariantCulture) == port.ToString())
            ?? throw new InvalidOperationException($"The Service {namespaceName}/{service} has no port {port}.");
        return new ServiceTarget(namespaceName, service, string.Join(',', selector.Select(one => $"{one.Key}={one.Value}")), entry.TargetPort ?? entry.Port);
    }

    /// <summary>Whether a Service leads to a pod: it is ready, and nobody has deleted it.</summary>
    public static bool IsReady(V1Pod pod) =>
        pod.Metadata.DeletionTimestamp is null
        && pod.Status.PodIP is not null
        && pod.Status.Conditions?.Any(one => one is { Type: "Ready", Status: "True" }) == true;

    /// <summary>A pod's end of it.</summary>
    public IPEndPoint EndPointOf(V1Pod pod)
    {
        var port = int.TryParse(Port.ToString(), CultureInfo.InvariantCulture, out var number)
            ? number
            : pod.Spec.Containers.SelectMany(one => one.Ports ?? []).First(one => one.Name == Port.ToString()).ContainerPort;
        return new IPEndPoint(IPAddress.Parse(pod.Status.PodIP), port);
    }
}
