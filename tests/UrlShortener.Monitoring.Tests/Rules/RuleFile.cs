using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace UrlShortener.Monitoring.Tests.Rules;

/// <summary>A rule file of Prometheus.</summary>
internal sealed class RuleFile
{
    private static readonly IDeserializer Yaml = new DeserializerBuilder().WithNamingConvention(UnderscoredNamingConvention.Instance).Build();

    // Read once: each of a hundred tests looks at all of them.
    private static readonly Lazy<IReadOnlyList<RuleFile>> Files = new(() =>
        [.. Monitoring.RuleFiles.Select(path => Yaml.Deserialize<RuleFile>(File.ReadAllText(path)))]
    );

    private static readonly Lazy<IReadOnlyList<Dictionary<object, object>>> AllGroups = new(() => [.. Monitoring.RuleFiles.SelectMany(ReadGroups)]);

    /// <summary>Its groups.</summary>
    public List<RuleGroup> Groups { get; set; } = [];

    private IEnumerable<Rule> Rules => Groups.SelectMany(group => group.Rules);

    /// <summary>All rules of all files.</summary>
    public static IReadOnlyList<Rule> ReadRules() => [.. Files.Value.SelectMany(file => file.Rules)];

    /// <summary>All alerts of all files.</summary>
    public static IReadOnlyList<Rule> ReadAlerts() => [.. ReadRules().Where(rule => rule.Alert is not null)];

    /// <summary>Names of all groups, in the order of the files, in which recorded series come before the alerts that use them.</summary>
    public static IReadOnlyList<string> ReadGroupNames() => [.. Files.Value.SelectMany(file => file.Groups).Select(group => group.Name)];

    /// <summary>
    /// A rule file with the rules of an alert and those whose recorded series it needs, as they are, in their groups and order. Of a test of days the others would
    /// be most of the cost.
    /// </summary>
    public static string WriteFor(string alert)
    {
        var rules = ReadRules();
        var needed = rules.Where(rule => rule.Alert == alert).ToHashSet();
        while (needed.Count > 0)
        {
            var more = rules
                .Where(rule => rule.Record is { } name && needed.Any(other => other.Expr.Contains(name, StringComparison.Ordinal)))
                .Except(needed)
                .ToList();
            if (more.Count == 0)
                break;
            needed.UnionWith(more);
        }

        var names = needed.Select(rule => rule.Alert ?? rule.Record!).ToHashSet(StringComparer.Ordinal);
        var groups = new List<object>();
        foreach (var group in AllGroups.Value)
        {
            var kept = ((List<object>)group["rules"]).Where(rule => names.Contains(NameOf((Dictionary<object, object>)rule))).ToList();
            if (kept.Count > 0)
                groups.Add(new Dictionary<object, object>(group) { ["rules"] = kept });
        }

        return new SerializerBuilder().Build().Serialize(new Dictionary<object, object> { ["groups"] = groups });
    }

    private static IEnumerable<Dictionary<object, object>> ReadGroups(string path) =>
        ((List<object>)new DeserializerBuilder().Build().Deserialize<Dictionary<object, object>>(File.ReadAllText(path))["groups"]).Cast<
            Dictionary<object, object>
        >();

    private static string NameOf(Dictionary<object, object> rule) => (string)(rule.TryGetValue("alert", out var alert) ? alert : rule["record"]);
}

/// <summary>Rules that are evaluated one after the other.</summary>
internal sealed class RuleGroup
{
    /// <summary>Its name.</summary>
    public string Name { get; set; } = "";

    /// <summary>Its rules.</summary>
    public List<Rule> Rules { get; set; } = [];
}

/// <summary>A recording rule or an alert.</summary>
internal sealed class Rule
{
    /// <summary>Name of the recorded series.</summary>
    public string? Record { get; set; }

    /// <summary>Name of the alert.</summary>
    public string? Alert { get; set; }

    /// <summary>The expression.</summary>
    public string Expr { get; set; } = "";

    /// <summary>How long the expression must hold.</summary>
    public string? For { get; set; }

    /// <summary>Added to the result.</summary>
    public Dictionary<string, string> Labels { get; set; } = [];

    /// <summary>Texts of the alert.</summary>
    public Dictionary<string, string> Annotations { get; set; } = [];
}
