using YamlDotNet.Serialization;
using YamlDotNet.Serialization.NamingConventions;

namespace UrlShortener.Monitoring.Tests.Rules;

/// <summary>A rule file of Prometheus.</summary>
internal sealed class RuleFile
{
    private static readonly IDeserializer Yaml = new DeserializerBuilder().WithNamingConvention(UnderscoredNamingConvention.Instance).Build();

    /// <summary>Its groups.</summary>
    public List<RuleGroup> Groups { get; set; } = [];

    private IEnumerable<Rule> Rules => Groups.SelectMany(group => group.Rules);

    /// <summary>All rules of all files.</summary>
    public static IReadOnlyList<Rule> ReadRules() => [.. Monitoring.RuleFiles.SelectMany(path => Read(path).Rules)];

    /// <summary>All alerts of all files.</summary>
    public static IReadOnlyList<Rule> ReadAlerts() => [.. ReadRules().Where(rule => rule.Alert is not null)];

    /// <summary>The file of an alert, and those whose recorded series it needs.</summary>
    public static IReadOnlyList<string> FilesFor(string alert)
    {
        var files = Monitoring.RuleFiles.ToDictionary(path => path, Read);
        var needed = files.Where(file => file.Value.Rules.Any(rule => rule.Alert == alert)).Select(file => file.Key).ToHashSet();
        while (true)
        {
            var used = needed.SelectMany(path => files[path].Rules).Select(rule => rule.Expr).ToList();
            var more = files
                .Where(file => file.Value.Rules.Any(rule => rule.Record is { } name && used.Any(text => text.Contains(name, StringComparison.Ordinal))))
                .Select(file => file.Key)
                .Except(needed)
                .ToList();
            if (more.Count == 0)
                return [.. needed.Order(StringComparer.Ordinal)];
            needed.UnionWith(more);
        }
    }

    private static RuleFile Read(string path) => Yaml.Deserialize<RuleFile>(File.ReadAllText(path));
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
