using System.Globalization;
using YamlDotNet.Serialization;

namespace UrlShortener.Monitoring.Tests.Alerting;

/// <summary>The routes of alerts: as a file for Alertmanager, and as the AlertmanagerConfig of prometheus-operator.</summary>
internal static class AlertmanagerFiles
{
    private static readonly IDeserializer Reader = new DeserializerBuilder().Build();
    private static readonly ISerializer Writer = new SerializerBuilder().Build();

    // Names of AlertmanagerConfig whose snake case is not that of Alertmanager.
    private static readonly Dictionary<string, string> Renamed = new(StringComparer.Ordinal)
    {
        ["sourceMatch"] = "source_matchers",
        ["targetMatch"] = "target_matchers",
        ["pagerdutyConfigs"] = "pagerduty_configs",
        ["pagerDutyLinkConfigs"] = "links",
        ["alt"] = "text",
        ["apiURL"] = "api_url",
    };

    // What differs on purpose: where the secrets are.
    private static readonly HashSet<string> Secrets = ["url", "url_secret", "http_config", "routing_key", "routing_key_file", "api_url", "api_url_file"];

    /// <summary>The configuration of the file.</summary>
    public static Dictionary<object, object> ReadFile() => Read(Monitoring.PathOf("alertmanager/alertmanager.yaml"));

    /// <summary>The specification of the AlertmanagerConfig, with the names and the form of the file.</summary>
    public static Dictionary<object, object> ReadObject() =>
        (Dictionary<object, object>)ToFile(Read(Monitoring.PathOf("routes/alertmanagerconfig.yaml"))["spec"])!;

    /// <summary>
    /// What prometheus-operator makes of AlertmanagerConfigs, each in its namespace: below a route that drops everything, each has its first route, with a
    /// matcher of the namespace, and continued.
    /// </summary>
    public static string Combine(IEnumerable<string> namespaces)
    {
        var routes = new List<object>();
        var receivers = new List<object> { new Dictionary<object, object> { ["name"] = "none" } };
        var inhibitions = new List<object>();
        foreach (var space in namespaces)
        {
            var spec = ReadObject();
            var route = Named((Dictionary<object, object>)spec["route"], space);
            route["matchers"] = (List<object>)[$"namespace = \"{space}\""];
            route["continue"] = "true";
            routes.Add(route);
            receivers.AddRange(
                ((List<object>)spec["receivers"]).Select(receiver =>
                    (object)new Dictionary<object, object> { ["name"] = Name(((Dictionary<object, object>)receiver)["name"], space) }
                )
            );
            foreach (var rule in ((List<object>)spec["inhibit_rules"]).Cast<Dictionary<object, object>>())
            {
                ((List<object>)rule["source_matchers"]).Add($"namespace = \"{space}\"");
                ((List<object>)rule["target_matchers"]).Add($"namespace = \"{space}\"");
                inhibitions.Add(rule);
            }
        }

        return Write(
            new Dictionary<object, object>
            {
                ["route"] = new Dictionary<object, object> { ["receiver"] = "none", ["routes"] = routes },
                ["inhibit_rules"] = inhibitions,
                ["receivers"] = receivers,
            }
        );
    }

    /// <summary>A configuration as text, without secrets and where they are.</summary>
    public static string WithoutSecrets(Dictionary<object, object> configuration) => Write(Strip(configuration)!);

    /// <summary>A configuration as text.</summary>
    public static string Write(object configuration) => Writer.Serialize(configuration);

    private static Dictionary<object, object> Read(string path) => Reader.Deserialize<Dictionary<object, object>>(File.ReadAllText(path));

    private static object? ToFile(object? value) =>
        value switch
        {
            // A matcher is an object there, and a text here.
            Dictionary<object, object> map when map.ContainsKey("matchType") => $"{map["name"]} {map["matchType"]} \"{map["value"]}\"",
            Dictionary<object, object> map => map.ToDictionary(pair => (object)Snake((string)pair.Key), pair => ToFile(pair.Value)!),
            List<object> list => list.Select(item => ToFile(item)!).ToList(),
            _ => value,
        };

    private static object? Strip(object? value) =>
        value switch
        {
            Dictionary<object, object> map => new SortedDictionary<string, object>(
                map.Where(pair => !Secrets.Contains((string)pair.Key)).ToDictionary(pair => (string)pair.Key, pair => Strip(pair.Value)!),
                StringComparer.Ordinal
            ),
            List<object> list => list.Select(item => Strip(item)!).ToList(),
            _ => value,
        };

    private static Dictionary<object, object> Named(Dictionary<object, object> route, string space)
    {
        route["receiver"] = Name(route["receiver"], space);
        if (route.TryGetValue("routes", out var children))
        {
            foreach (var child in ((List<object>)children).Cast<Dictionary<object, object>>())
                Named(child, space);
        }

        return route;
    }

    private static string Name(object name, string space) => string.Create(CultureInfo.InvariantCulture, $"{space}/url-shortener/{name}");

    private static string Snake(string name) =>
        Renamed.TryGetValue(name, out var other)
            ? other
            : string.Concat(name.Select(letter => char.IsUpper(letter) ? $"_{char.ToLowerInvariant(letter)}" : $"{letter}"));
}
