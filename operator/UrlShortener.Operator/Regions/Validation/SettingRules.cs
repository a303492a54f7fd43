using UrlShortener.Contracts;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Regions.Validation;

/// <summary>The rules of <c>spec.app.settings</c>. Names of settings are not case-sensitive.</summary>
internal static class SettingRules
{
    // Settings that the operator sets, and the source of their values. A section reserves all settings below it.
    private static readonly Dictionary<string, string> Reserved = new(StringComparer.OrdinalIgnoreCase)
    {
        [SettingNames.Role] = "the role of the pod",
        [SettingNames.Urls] = "the ports of the pods",
        ["Http_Ports"] = "the ports of the pods",
        ["Https_Ports"] = "the ports of the pods",
        ["Environment"] = "the role of the pod",
        ["ContentRoot"] = "the role of the pod",
        ["ApplicationName"] = "the role of the pod",
        [SettingNames.PublicBaseUrl] = "spec.traffic.publicBaseUrl",
        [SettingNames.BlocklistPath] = "spec.app.blocklistConfigMapRef",
        [SettingNames.ClickTopic] = "spec.kafka.topic",
        [SettingNames.SpoolDirectory] = "spec.kafka",
        [SettingNames.SpoolBytes] = "spec.kafka.spoolSize",
        [SettingNames.ClickHouseCaPath] = "spec.clickHouse.caSecretRef",
        [SettingNames.ClickHouseMigrateOnStart] = "the role of the pod",
    };

    private static readonly Dictionary<string, string> Sections = new(StringComparer.OrdinalIgnoreCase)
    {
        ["ConnectionStrings"] = "spec.connections",
        ["Kafka"] = "spec.kafka",
        ["Region"] = "spec.region",
        ["Kgs"] = "the region's KeyPool",
        ["Management"] = "the ports of the pods",
        ["Storage"] = "spec.connections",
        ["Kestrel"] = "the ports of the pods",
        [SettingNames.OwnHosts] = "spec.traffic.hostnames",
    };

    private static readonly string[] Secrets = [SettingNames.SigningKey, SettingNames.TracingHeaders];

    /// <summary>Names of the settings that the operator sets.</summary>
    public static IReadOnlyCollection<string> ReservedNames => Reserved.Keys;

    /// <summary>Names of the sections that the operator sets.</summary>
    public static IReadOnlyCollection<string> ReservedSections => Sections.Keys;

    /// <summary>Names of the settings whose values must be in a Secret.</summary>
    public static IReadOnlyCollection<string> SecretNames => Secrets;

    /// <summary>All problems.</summary>
    public static IEnumerable<SpecProblem> Check(IReadOnlyList<RuntimeSetting> settings)
    {
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (index, setting) in settings.Index())
        {
            var field = $"spec.app.settings[{index}]";
            if (setting.Value is null == setting.SecretRef is null)
                yield return new(field, $"({setting.Name}) must have exactly one of value and secretRef. Set one of them.");
            if (SourceOf(setting.Name) is { } source)
                yield return new($"{field}.name", $"is {setting.Name}, which the operator derives from {source}. Remove it.");
            if (setting.Value is not null && Array.Find(Secrets, name => name.Equals(setting.Name, StringComparison.OrdinalIgnoreCase)) is { } secret)
                yield return new($"{field}.value", $"contains a secret, which everyone who may read the ShortenerRegion can read. Use secretRef for {secret}.");
            if (!names.Add(setting.Name))
                yield return new($"{field}.name", $"is {setting.Name}, which the list already contains. Names are not case-sensitive. Remove one.");
        }
    }

    private static string? SourceOf(string name) =>
        Reserved.TryGetValue(name, out var source)
            ? source
            : Sections
                .FirstOrDefault(section =>
                    name.Equals(section.Key, StringComparison.OrdinalIgnoreCase) || name.StartsWith(section.Key + ":", StringComparison.OrdinalIgnoreCase)
                )
                .Value;
}
