using System.Diagnostics.CodeAnalysis;

namespace UrlShortener.Operator.Entities.Schema;

/// <summary>Regular expressions of fields. RE2 (the API server) and .NET interpret them the same way.</summary>
internal static class Patterns
{
    /// <summary>DNS label (RFC 1123): names of namespaces and Services.</summary>
    [StringSyntax(StringSyntaxAttribute.Regex)]
    public const string DnsLabel = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";

    /// <summary>DNS subdomain (RFC 1123): names of objects, and host names in lower case.</summary>
    [StringSyntax(StringSyntaxAttribute.Regex)]
    public const string DnsName = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

    /// <summary>IP address or host name, in lower case.</summary>
    [StringSyntax(StringSyntaxAttribute.Regex)]
    public const string Target = "^[a-z0-9:]([-a-z0-9.:]*[a-z0-9:])?$";

    /// <summary>Host name or address, and port.</summary>
    [StringSyntax(StringSyntaxAttribute.Regex)]
    public const string HostAndPort = "^([A-Za-z0-9]([-A-Za-z0-9.]*[A-Za-z0-9])?|\\[[0-9A-Fa-f:.]+\\]):[1-9][0-9]{0,4}$";

    /// <summary>Key in a Secret or ConfigMap.</summary>
    [StringSyntax(StringSyntaxAttribute.Regex)]
    public const string DataKey = "^[-._a-zA-Z0-9]+$";

    /// <summary>Name of a region: a DNS label that starts with a letter.</summary>
    [StringSyntax(StringSyntaxAttribute.Regex)]
    public const string RegionName = "^[a-z][a-z0-9-]{0,29}[a-z0-9]$";

    /// <summary>Kubernetes quantity that is not negative and fits into a decimal: 8Gi, 500m, 2. Kubernetes itself also knows 1e99, which no server has.</summary>
    [StringSyntax(StringSyntaxAttribute.Regex)]
    public const string Quantity =
        "^[+]?(([0-9]+([.][0-9]*)?|[.][0-9]+)[numk]?|([0-9]{1,10}([.][0-9]*)?|[.][0-9]+)([KMGTPE]i|[MGTPE]|[eE][+-]?(0?[0-9]|1[0-8])))$";

    /// <summary>Scheme and host, such as https://sho.rt.</summary>
    [StringSyntax(StringSyntaxAttribute.Regex)]
    public const string BaseUrl = "^https?://[a-zA-Z0-9.-]+(:[0-9]{1,5})?/?$";

    /// <summary>Setting of the runtime: section and name, joined by colons.</summary>
    [StringSyntax(StringSyntaxAttribute.Regex)]
    public const string SettingName = "^[A-Za-z][A-Za-z0-9]*(:[A-Za-z0-9_.-]+)*$";

    /// <summary>Value of a label.</summary>
    [StringSyntax(StringSyntaxAttribute.Regex)]
    public const string LabelValue = "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$";

    /// <summary>
    /// Time that .NET can read. The API server's format date-time allows more: the year 0, small letters, and offsets of a day. An object with such a time
    /// cannot be decoded.
    /// </summary>
    [StringSyntax(StringSyntaxAttribute.Regex)]
    public const string Time = "^[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])$";
}
