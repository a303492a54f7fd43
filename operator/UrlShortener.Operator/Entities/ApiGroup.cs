namespace UrlShortener.Operator.Entities;

/// <summary>Names of the operator's API as they stand in objects, CustomResourceDefinitions and rules of access.</summary>
internal static class ApiGroup
{
    /// <summary>API group of all kinds; also the prefix of the operator's own labels, annotations and finalizers.</summary>
    public const string Name = "urlshortener.dev";

    /// <summary>The version that is served and stored.</summary>
    public const string Version = "v1alpha1";

    /// <summary>Group and version, as in <c>apiVersion</c>.</summary>
    public const string ApiVersion = $"{Name}/{Version}";
}
