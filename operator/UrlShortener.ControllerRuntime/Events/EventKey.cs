using k8s.Models;

namespace UrlShortener.ControllerRuntime.Events;

/// <summary>Identity of an event: events with the same key are counted as one.</summary>
/// <param name="Regarding">The object's kind, namespace, name and uid.</param>
/// <param name="Severity">Type.</param>
/// <param name="Reason">Reason, one word.</param>
/// <param name="Action">Action, one word.</param>
/// <param name="Note">A sentence for people.</param>
internal sealed record EventKey(EventSubject Regarding, EventSeverity Severity, string Reason, string Action, string Note);

/// <summary>The object that an event is about.</summary>
internal sealed record EventSubject(string ApiVersion, string Kind, string Namespace, string Name, string Uid)
{
    /// <summary>Events of cluster-wide objects are in the default namespace.</summary>
    public string EventNamespace => Namespace.Length == 0 ? "default" : Namespace;

    /// <summary>In the form of an event.</summary>
    public V1ObjectReference ToReference() =>
        new()
        {
            ApiVersion = ApiVersion,
            Kind = Kind,
            NamespaceProperty = Namespace.Length == 0 ? null : Namespace,
            Name = Name,
            Uid = Uid,
        };
}
