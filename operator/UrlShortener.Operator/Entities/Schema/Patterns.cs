using System.Diagnostics.CodeAnalysis;

namespace UrlShortener.Operator.Entities.Schema;

/// <summary>Regular expressions of fields. Both RE2 (the API server) and .NET read them alike.</summary>
internal static class Patterns
{
    /// <summary>DNS label (RFC 1123): names of namespaces and Services.</summary>
    [StringSyntax(StringSyntaxAttribute.Regex)]
    public const string DnsLabel = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";

    /// <summary>DNS subdomain (RFC 1123): names of objects, and host names in lower case.</summary>
    [StringSyntax(StringSyntaxAttribute.Regex)]
    public const string DnsName = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$";

    /// <summary>Key in a Secret or ConfigMap.</summary>
    [StringSyntax(StringSyntaxAttribute.Regex)]
    public const string DataKey = "^[-._a-zA-Z0-9]+$";

    /// <summary>Name of a region: a DNS label that begins with a letter, so that names of objects can begin with it.</summary>
    [StringSyntax(StringSyntaxAttribute.Regex)]
    public const string RegionName = "^[a-z][a-z0-9-]{0,29}[a-z0-9]$";

    /// <summary>Amount as Kubernetes writes it, not negative: 8Gi, 500m, 2.</summary>
    [StringSyntax(StringSyntaxAttribute.Regex)]
    public const string Quantity = "^[+]?([0-9]+([.][0-9]*)?|[.][0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]+)?$";

    /// <summary>Host name or address, and port.</summary>
    [StringSyntax(StringSyntaxAttribute.Regex)]
    public const string HostAndPort = @"^([a-zA-Z0-9._-]+|\[[0-9a-fA-F:]+\]):[0-9]{1,5}$";

    /// <summary>Host name, IPv4 or IPv6 address.</summary>
    [StringSyntax(StringSyntaxAttribute.Regex)]
    public const string Host = "^[a-zA-Z0-9._:-]+$";

    /// <summary>Scheme and host, such as https://sho.rt.</summary>
    [StringSyntax(StringSyntaxAttribute.Regex)]
    public const string BaseUrl = "^https?://[a-zA-Z0-9.-]+(:[0-9]{1,5})?/?$";

    /// <summary>Setting of the runtime: section and name, joined by colons.</summary>
    [StringSyntax(StringSyntaxAttribute.Regex)]
    public const string SettingName = "^[A-Za-z][A-Za-z0-9]*(:[A-Za-z0-9_.-]+)*$";

    /// <summary>Value of a label.</summary>
    [StringSyntax(StringSyntaxAttribute.Regex)]
    public const string LabelValue = "^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$";

    /// <summary>Five fields of cron, or a name such as @daily.</summary>
    [StringSyntax(StringSyntaxAttribute.Regex)]
    public const string Cron = "^(@(yearly|monthly|weekly|daily|hourly)|([0-9*/,A-Za-z?-]+ ){4}[0-9*/,A-Za-z?-]+)$";
}
