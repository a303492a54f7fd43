using System.Globalization;
using System.Text;
using k8s.Models;
using UrlShortener.TestServers.Kubernetes.Services;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>What a cluster's DNS would answer a pod, as a file of addresses and names.</summary>
internal static class HostsFile
{
    private const string Domain = "cluster.local";

    /// <summary>
    /// The file of one pod. A pod has the names <c>pod.service</c>… of the headless Service that it names as its subdomain; a Service the addresses of its
    /// pods. One with a cluster address has those, too: nothing of this machine answers at that address. Pods that are not ready are left out unless the
    /// Service publishes them.
    /// </summary>
    public static string Build(V1Pod own, string ownAddress, IEnumerable<V1Pod> pods, IEnumerable<V1Service> services)
    {
        var text = new StringBuilder("127.0.0.1 localhost\n::1 localhost\n");
        text.Append(ownAddress).Append(' ').Append(own.Spec.Hostname ?? own.Metadata.Name).Append('\n');
        var known = pods.OrderBy(pod => pod.Metadata.Name, StringComparer.Ordinal).ToList();
        foreach (var service in services.Where(one => one.Spec.Selector is { Count: > 0 }).OrderBy(one => one.Metadata.Name, StringComparer.Ordinal))
        {
            foreach (var pod in known.Where(pod => IsBehind(service, pod)))
            {
                if (service.Spec.ClusterIP == "None" && pod.Spec.Hostname is { } name && pod.Spec.Subdomain == service.Metadata.Name)
                    Append(pod, $"{name}.{service.Metadata.Name}");
                Append(pod, service.Metadata.Name);
            }
        }

        return text.ToString();

        void Append(V1Pod pod, string name)
        {
            var space = pod.Metadata.NamespaceProperty;
            text.Append(pod.Status.PodIP).Append(' ');
            // Others' namespaces must be named.
            if (space == own.Metadata.NamespaceProperty)
                text.Append(name).Append(' ');
            text.Append(CultureInfo.InvariantCulture, $"{name}.{space} {name}.{space}.svc {name}.{space}.svc.{Domain}\n");
        }
    }

    private static bool IsBehind(V1Service service, V1Pod pod) =>
        pod.Metadata.NamespaceProperty == service.Metadata.NamespaceProperty
        && pod.Status.PodIP is not null
        && pod.Status.Phase is not ("Succeeded" or "Failed")
        && service.Spec.Selector.All(wanted => pod.Metadata.Labels?.TryGetValue(wanted.Key, out var value) == true && value == wanted.Value)
        && (service.Spec.PublishNotReadyAddresses == true || ServiceTarget.IsReady(pod));
}
