namespace UrlShortener.Operator.Entities;

/// <summary>Names of the operator's API in objects, CustomResourceDefinitions and RBAC rules.</summary>
internal static class ApiGroup
{
    /// <summary>API group of all kinds. Also the prefix of the operator's own labels and annotations.</summary>
    public const string Name = "urlshortener.dev";

    /// <summary>The served and stored version.</summary>
    public const string Version = "v1alpha1";

    /// <summary>Group and version, the value of <c>apiVersion</c>.</summary>
    public const string ApiVersion = $"{Name}/{Version}";
}
