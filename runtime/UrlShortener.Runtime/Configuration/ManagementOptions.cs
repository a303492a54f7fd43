using System.ComponentModel.DataAnnotations;
using System.Net;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>Management</c>: where metrics, probes and the commands of the operator are served.</summary>
internal sealed class ManagementOptions
{
    /// <summary>Port of <c>/metrics</c>, <c>/health/…</c> and <c>/kgs</c>, on the addresses of <c>Urls</c>, by http. Default: none of their own; they are served
    /// beside the links.</summary>
    [Range(1, IPEndPoint.MaxPort)]
    public int? Port { get; set; }
}
