using UrlShortener.Contracts;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Regions.Validation;

/// <summary>The rules of <c>spec.app.settings</c>. Names of settings do not differ by case.</summary>
internal static class SettingRules
{
    // Settings that the operator makes, and the fields that it makes them from. Sections stand for all below them.
    private static readonly Dictionary<string, string> Reserved = new(StringComparer.OrdinalIgnoreCase)
    {
        [SettingNames.Role] = "what it runs",
        [SettingNames.Urls] = "the ports of the pods",
        ["Http_Ports"] = "the ports of the pods",
        ["Https_Ports"] = "the ports of the pods",
        ["Environment"] = "what it runs",
        ["ContentRoot"] = "what it runs",
        ["ApplicationName"] = "what it runs",
        [SettingNames.PublicBaseUrl] = "spec.traffic.publicBaseUrl",
        [SettingNames.BlocklistPath] = "spec.app.blocklistConfigMapRef",
    };

    private static readonly Dictionary<string, string> Sections = new(StringComparer.OrdinalIgnoreCase)
    {
        ["ConnectionStrings"] = "spec.connections",
        ["Region"] = "spec.region",
        ["Kgs"] = "the region's KeyPool",
        ["Storage"] = "spec.connections",
        ["Kestrel"] = "the ports of the pods",
        [SettingNames.OwnHosts] = "spec.traffic.hostnames",
    };

    /// <summary>Names of the settings that the operator makes.</summary>
    public static IReadOnlyCollection<string> ReservedNames => Reserved.Keys;

    /// <summary>Names of the sections that the operator makes.</summary>
    public static IReadOnlyCollection<string> ReservedSections => Sections.Keys;

    /// <summary>All problems.</summary>
    public static IEnumerable<SpecProblem> Check(IReadOnlyList<RuntimeSetting> settings)
    {
        var names = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (index, setting) in settings.Index())
        {
            var field = $"spec.app.settings[{index}]";
            if (setting.Value is null == setting.SecretRef is null)
                yield return new(field, $"({setting.Name}) must have exactly one of value and secretRef.");
            if (SourceOf(setting.Name) is { } source)
                yield return new($"{field}.name", $"is {setting.Name}, which the operator makes from {source}. Remove it.");
            if (setting.Value is not null && setting.Name.Equals(SettingNames.SigningKey, StringComparison.OrdinalIgnoreCase))
                yield return new($"{field}.value", $"holds a secret that everybody who may read the ShortenerRegion can read. Give {SettingNames.SigningKey} by secretRef.");
            if (!names.Add(setting.Name))
                yield return new($"{field}.name", $"is {setting.Name}, which stands in the list before. Names do not differ by case; remove one.");
        }
    }

    private static string? SourceOf(string name) =>
        Reserved.TryGetValue(name, out var source)
            ? source
            : Sections.FirstOrDefault(section => name.Equals(section.Key, StringComparison.OrdinalIgnoreCase) || name.StartsWith(section.Key + ":", StringComparison.OrdinalIgnoreCase)).Value;
}
