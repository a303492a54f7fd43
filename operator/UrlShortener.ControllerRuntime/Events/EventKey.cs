using k8s.Models;

namespace UrlShortener.ControllerRuntime.Events;

/// <summary>What makes two events the same: they are counted as one.</summary>
/// <param name="Regarding">The object's kind, namespace, name and uid.</param>
/// <param name="Severity">Type.</param>
/// <param name="Reason">Why, in one word of the catalogue of reasons.</param>
/// <param name="Action">What was done, in one word.</param>
/// <param name="Note">A sentence for people.</param>
internal sealed record EventKey(EventSubject Regarding, EventSeverity Severity, string Reason, string Action, string Note);

/// <summary>The object that an event is about.</summary>
internal sealed record EventSubject(string ApiVersion, string Kind, string Namespace, string Name, string Uid)
{
    /// <summary>Cluster-wide objects have their events in the default namespace.</summary>
    public string EventNamespace => Namespace.Length == 0 ? "default" : Namespace;

    /// <summary>As events carry it.</summary>
    public V1ObjectReference ToReference() => new()
    {
        ApiVersion = ApiVersion,
        Kind = Kind,
        NamespaceProperty = Namespace.Length == 0 ? null : Namespace,
        Name = Name,
        Uid = Uid,
    };
}
