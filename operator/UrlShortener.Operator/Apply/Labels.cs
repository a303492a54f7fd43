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

    private const string ManagedBy = "app.kubernetes.io/managed-by";
    private const string Product = "url-shortener";
    private const int MaxValue = 63;

    /// <summary>Labels by which pods of a component are found. They never change.</summary>
    public static Dictionary<string, string> SelectorOf(string instance, string component) => new()
    {
        ["app.kubernetes.io/name"] = Product,
        ["app.kubernetes.io/instance"] = Value(instance),
        ["app.kubernetes.io/component"] = component,
    };

    /// <summary>All labels of an object of a component.</summary>
    public static Dictionary<string, string> Of(string instance, string component, string region) => new(SelectorOf(instance, component))
    {
        [ManagedBy] = Manager,
        ["app.kubernetes.io/part-of"] = Product,
        [$"{ApiGroup.Name}/region"] = region,
    };

    /// <summary>A selector as text, for the scale subresource.</summary>
    public static string Text(IReadOnlyDictionary<string, string> selector) =>
        string.Join(',', selector.OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => $"{label.Key}={label.Value}"));

    /// <summary>The value of an annotation; null when it is not there.</summary>
    public static string? AnnotationOf(V1ObjectMeta? metadata, string name) =>
        metadata?.Annotations is { } annotations && annotations.TryGetValue(name, out var value) ? value : null;

    // Names of objects may be longer than values of labels.
    private static string Value(string name) => name.Length <= MaxValue ? name : Names.Shorten(name, MaxValue);
}
