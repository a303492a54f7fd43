using System.Globalization;
using k8s.Models;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Apply;

/// <summary>Labels and annotations of the objects that the operator creates.</summary>
internal static class Labels
{
    /// <summary>Value of <c>app.kubernetes.io/managed-by</c>; informers use it as a selector.</summary>
    public const string Manager = "url-shortener-operator";

    /// <summary>Selects the objects that the operator created.</summary>
    public const string ManagedSelector = $"{ManagedBy}={Manager}";

    /// <summary>Annotation of an applied object: digest of the applied fields.</summary>
    public const string AppliedDigest = $"{ApiGroup.Name}/applied";

    /// <summary>Annotation of a pod template: digest of the settings and Secrets that its pods read at the start.</summary>
    public const string SettingsDigest = $"{ApiGroup.Name}/settings";

    /// <summary>Annotation of the app's Deployment: digest of the last migration for its pods.</summary>
    public const string MigrationDigest = $"{ApiGroup.Name}/migration";

    /// <summary>Annotation of a migration's Job: how often the migration of a database that was behind has been repeated.</summary>
    public const string MigrationRepairs = $"{ApiGroup.Name}/migration-repairs";

    /// <summary>
    /// Annotation of a KeyPool: an epoch to open, a whole number from 1. The operator opens it unless it or a newer one is current. Set it to
    /// <c>status.epoch</c> + 1 after the promotion of a database that may have lost writes. It may stay.
    /// </summary>
    public const string OpenEpoch = $"{ApiGroup.Name}/open-epoch";

    /// <summary>
    /// Annotation of a region that is to become the primary of its group: the region's name and the current <c>status.topology.epoch</c>, such as <c>us@3</c>.
    /// A value with another epoch has no effect, so that it may stay, and does not move the role a second time.
    /// </summary>
    public const string Promote = $"{ApiGroup.Name}/promote";

    /// <summary>
    /// Annotation of a region that is to become the primary of its group although changes are lost, or nobody knows whether the former one has stopped writing.
    /// The same value as for <see cref="Promote"/>.
    /// </summary>
    public const string ForcePrimary = $"{ApiGroup.Name}/force-primary";

    /// <summary>
    /// Annotation of a region whose PostgreSQL is to get another primary: a member or <c>any</c>, and the current <c>status.postgres.timeline</c>, such as
    /// <c>eu-postgres-1@4</c>. Each move opens a timeline, so that it may stay, and does not move the role a second time.
    /// </summary>
    public const string Switchover = $"{ApiGroup.Name}/switchover";

    /// <summary>Annotation of a region that asks for a backup at once. Each new value, such as the time, asks for one.</summary>
    public const string Backup = $"{ApiGroup.Name}/backup";

    /// <summary>
    /// Annotation of a region whose generated passwords are to be replaced. Each new value, such as the time, asks for it once, so that it may stay.
    /// </summary>
    public const string RotatePasswords = $"{ApiGroup.Name}/rotate-passwords";

    /// <summary>Annotation of a pod of PostgreSQL: free and all bytes of its volume, such as <c>1073741824/21474836480</c>. The member writes it.</summary>
    public const string Volume = $"{ApiGroup.Name}/volume";

    /// <summary>Annotation of a pod of PostgreSQL: the saved changes on its volume, as JSON. The member writes it.</summary>
    public const string SavedChanges = $"{ApiGroup.Name}/saved-changes";

    /// <summary>
    /// Annotation of a pod of PostgreSQL: what its write guard does, as JSON: epoch and phase of the topology record that it follows, whether the right to write
    /// ends by itself, whether the member is writable, and where a fence ended. The member writes it.
    /// </summary>
    public const string WriteGuard = $"{ApiGroup.Name}/write-guard";

    /// <summary>Annotation of a Lease: what the operator of a cluster thinks of the regions of a group, as JSON.</summary>
    public const string Verdicts = $"{ApiGroup.Name}/verdicts";

    /// <summary>Annotation that allows the deletion of a region that is the primary of its group. Its value is the region's name.</summary>
    public const string AllowDeletePrimary = $"{ApiGroup.Name}/allow-delete-primary";

    /// <summary>Prefix of the operator's labels and annotations.</summary>
    public const string OwnPrefix = $"{ApiGroup.Name}/";

    /// <summary>Prefix of the recommended labels.</summary>
    public const string CommonPrefix = "app.kubernetes.io/";

    /// <summary>The label with the name of the program.</summary>
    public const string NameLabel = $"{CommonPrefix}name";

    private const string Instance = $"{CommonPrefix}instance";
    private const string Version = $"{CommonPrefix}version";
    private const string Component = $"{CommonPrefix}component";
    private const string PartOf = $"{CommonPrefix}part-of";
    private const string ManagedBy = $"{CommonPrefix}managed-by";
    private const string Region = $"{ApiGroup.Name}/region";
    private const string Product = "url-shortener";
    private const int MaxValue = 63;

    /// <summary>Label selector of the pods of a component. It never changes.</summary>
    public static Dictionary<string, string> SelectorOf(string instance, string component) =>
        new()
        {
            [NameLabel] = Product,
            [Instance] = InstanceValue(instance),
            [Component] = component,
        };

    /// <summary>Label selector of all pods of a region in its namespace, whatever their component.</summary>
    public static Dictionary<string, string> SelectorOfRegion(string region) =>
        new()
        {
            [NameLabel] = Product,
            [ManagedBy] = Manager,
            [Region] = region,
        };

    /// <summary>All labels of an object of a component.</summary>
    public static Dictionary<string, string> Of(string instance, string component, string region) =>
        new(SelectorOf(instance, component))
        {
            [ManagedBy] = Manager,
            [PartOf] = Product,
            [Region] = region,
        };

    /// <summary>A selector as a string, for the scale subresource.</summary>
    public static string Text(IReadOnlyDictionary<string, string> selector) =>
        string.Join(',', selector.OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => $"{label.Key}={label.Value}"));

    /// <summary>The value of an annotation; null: absent.</summary>
    public static string? AnnotationOf(V1ObjectMeta? metadata, string name) =>
        metadata?.Annotations is { } annotations && annotations.TryGetValue(name, out var value) ? value : null;

    /// <summary>Labels of an object that the operator creates for itself.</summary>
    public static Dictionary<string, string> OfOperator() =>
        new()
        {
            [NameLabel] = Manager,
            [Instance] = FieldManagers.Operator,
            [Component] = "operator",
            [PartOf] = Product,
            [ManagedBy] = Manager,
        };

    /// <summary>
    /// The labels of an object with the version of its image, the tag. Only for the object itself: in a pod template a new label would replace the pods. An
    /// image without a tag, or with one that is too long for a label, has no version.
    /// </summary>
    public static Dictionary<string, string> WithVersion(IDictionary<string, string> labels, string image)
    {
        var named = image.Split('@')[0];
        var tag = named[(named.LastIndexOf('/') + 1)..].Split(':') is [_, var last] ? last : "";
        return tag.Length is 0 or > MaxValue || !char.IsAsciiLetterOrDigit(tag[^1]) || !char.IsAsciiLetterOrDigit(tag[0])
            ? new Dictionary<string, string>(labels)
            : new Dictionary<string, string>(labels) { [Version] = tag };
    }

    /// <summary>The entries of all parts. Of those with the same key, the last one.</summary>
    public static Dictionary<string, string> Merge(params IEnumerable<IEnumerable<KeyValuePair<string, string>>> parts)
    {
        var merged = new Dictionary<string, string>();
        foreach (var (key, value) in parts.SelectMany(part => part))
            merged[key] = value;
        return merged;
    }

    /// <summary>Label selector of the pods of a program.</summary>
    public static Dictionary<string, string> SelectorOfProgram(string name) => new() { [NameLabel] = name };

    /// <summary>Annotations that tell Prometheus to scrape a pod.</summary>
    public static Dictionary<string, string> Scrape(int port) =>
        new()
        {
            ["prometheus.io/scrape"] = "true",
            ["prometheus.io/port"] = port.ToString(CultureInfo.InvariantCulture),
            ["prometheus.io/path"] = "/metrics",
        };

    /// <summary>The value of an object's instance label. Names of objects may be longer than label values.</summary>
    public static string InstanceValue(string name) => name.Length <= MaxValue ? name : Names.Shorten(name, MaxValue);

    /// <summary>The instance label of an object; null: it has none.</summary>
    public static string? InstanceOf(V1ObjectMeta metadata) => LabelOf(metadata, Instance);

    /// <summary>The region of an object; null: none.</summary>
    public static string? RegionOf(V1ObjectMeta metadata) => LabelOf(metadata, Region);

    /// <summary>The component of an object; null: none.</summary>
    public static string? ComponentOf(V1ObjectMeta metadata) => LabelOf(metadata, Component);

    /// <summary>Whether the operator created an object.</summary>
    public static bool IsManaged(V1ObjectMeta metadata) => LabelOf(metadata, ManagedBy) == Manager;

    private static string? LabelOf(V1ObjectMeta metadata, string name) =>
        metadata.Labels is { } labels && labels.TryGetValue(name, out var value) ? value : null;
}
