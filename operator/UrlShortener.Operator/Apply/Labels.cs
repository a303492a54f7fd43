using System.Globalization;
using k8s.Models;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Apply;

/// <summary>Labels and annotations of what the operator makes.</summary>
internal static class Labels
{
    /// <summary>Value of <c>app.kubernetes.io/managed-by</c>; informers select by it.</summary>
    public const string Manager = "url-shortener-operator";

    /// <summary>Selects what the operator made.</summary>
    public const string ManagedSelector = $"{ManagedBy}={Manager}";

    /// <summary>Annotation of an applied object: digest of what was applied.</summary>
    public const string AppliedDigest = $"{ApiGroup.Name}/applied";

    /// <summary>Annotation of a pod template: digest of the settings and Secrets that its pods read when they start.</summary>
    public const string SettingsDigest = $"{ApiGroup.Name}/settings";

    /// <summary>Annotation of the app's Deployment: digest of the last migration that its pods may rely on.</summary>
    public const string MigrationDigest = $"{ApiGroup.Name}/migration";

    /// <summary>
    /// Annotation of a KeyPool: an epoch to be in force, a whole number from 1. The operator opens it unless it or a newer one is. Whoever promotes a database that
    /// may have lost writes sets it to <c>status.epoch</c> + 1; it may stay.
    /// </summary>
    public const string OpenEpoch = $"{ApiGroup.Name}/open-epoch";

    /// <summary>Annotation with which a region may be deleted although it is its group's primary; its value is the region's name.</summary>
    public const string AllowDeletePrimary = $"{ApiGroup.Name}/allow-delete-primary";

    /// <summary>What labels and annotations of the operator begin with.</summary>
    public const string OwnPrefix = $"{ApiGroup.Name}/";

    /// <summary>What the labels begin with that all programs share.</summary>
    public const string CommonPrefix = "app.kubernetes.io/";

    private const string Name = $"{CommonPrefix}name";
    private const string Instance = $"{CommonPrefix}instance";
    private const string Component = $"{CommonPrefix}component";
    private const string PartOf = $"{CommonPrefix}part-of";
    private const string ManagedBy = $"{CommonPrefix}managed-by";
    private const string Region = $"{ApiGroup.Name}/region";
    private const string Product = "url-shortener";
    private const int MaxValue = 63;

    /// <summary>Labels by which pods of a component are found. They never change.</summary>
    public static Dictionary<string, string> SelectorOf(string instance, string component) => new()
    {
        [Name] = Product,
        [Instance] = InstanceValue(instance),
        [Component] = component,
    };

    /// <summary>All labels of an object of a component.</summary>
    public static Dictionary<string, string> Of(string instance, string component, string region) => new(SelectorOf(instance, component))
    {
        [ManagedBy] = Manager,
        [PartOf] = Product,
        [Region] = region,
    };

    /// <summary>A selector as text, for the scale subresource.</summary>
    public static string Text(IReadOnlyDictionary<string, string> selector) =>
        string.Join(',', selector.OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => $"{label.Key}={label.Value}"));

    /// <summary>The value of an annotation; null when it is not there.</summary>
    public static string? AnnotationOf(V1ObjectMeta? metadata, string name) =>
        metadata?.Annotations is { } annotations && annotations.TryGetValue(name, out var value) ? value : null;

    /// <summary>Labels of an object that the operator makes for itself.</summary>
    public static Dictionary<string, string> OfOperator() => new() { [ManagedBy] = Manager };

    /// <summary>Labels by which pods of a program are found.</summary>
    public static Dictionary<string, string> SelectorOfProgram(string name) => new() { [Name] = name };

    /// <summary>Annotations by which Prometheus finds a pod and its metrics.</summary>
    public static Dictionary<string, string> Scrape(int port) => new()
    {
        ["prometheus.io/scrape"] = "true",
        ["prometheus.io/port"] = port.ToString(CultureInfo.InvariantCulture),
        ["prometheus.io/path"] = "/metrics",
    };

    /// <summary>The value of an object's instance label; names of objects may be longer than values of labels.</summary>
    public static string InstanceValue(string name) => name.Length <= MaxValue ? name : Names.Shorten(name, MaxValue);

    /// <summary>The instance label of an object; null: it has none.</summary>
    public static string? InstanceOf(V1ObjectMeta metadata) => LabelOf(metadata, Instance);

    /// <summary>The component that an object belongs to; null: none.</summary>
    public static string? ComponentOf(V1ObjectMeta metadata) => LabelOf(metadata, Component);

    /// <summary>Whether the operator made an object.</summary>
    public static bool IsManaged(V1ObjectMeta metadata) => LabelOf(metadata, ManagedBy) == Manager;

    private static string? LabelOf(V1ObjectMeta metadata, string name) =>
        metadata.Labels is { } labels && labels.TryGetValue(name, out var value) ? value : null;
}
