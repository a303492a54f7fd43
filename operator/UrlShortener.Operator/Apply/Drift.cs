using System.Text.Json.Nodes;
using k8s.Models;

namespace UrlShortener.Operator.Apply;

/// <summary>
/// Differences between an object and its desired fields. Additions by the server or others do not count, such as defaults, sidecars, labels and the annotation
/// of <c>kubectl rollout restart</c>. Where an addition changes the meaning of a desired field, it does count: in selectors, in the rules of a network policy or a
/// route, in DNS records, commands, arguments, variables, ports and settings. Pure.
/// </summary>
internal static class Drift
{
    // Fields that identify the elements of a list, in order of preference.
    private static readonly string[] Keys = ["mountPath", "uid", "topologyKey", "name", "containerPort", "port"];

    // Compared with everything below them: an additional key selects other objects or sets another value.
    private static readonly HashSet<string> ExactFields = new(StringComparer.Ordinal)
    {
        "data",
        "endpoints",
        "httpGet",
        "ingress",
        "labelSelector",
        "matchLabels",
        "metrics",
        "namespaceSelector",
        "nodeSelector",
        "parentRefs",
        "podMetricsEndpoints",
        "podSelector",
        "resources",
        "rules",
        "securityContext",
        "selector",
    };

    // Lists that must not contain elements of others.
    private static readonly HashSet<string> ExactLists = new(StringComparer.Ordinal) { "env", "ports", "topologySpreadConstraints" };

    // Fields that must be absent unless they are desired, by the field that contains them.
    private static readonly Dictionary<string, string[]> Forbidden = new(StringComparer.Ordinal)
    {
        ["containers"] = ["args", "command", "env", "envFrom"],
        // In a pod disruption budget minAvailable excludes maxUnavailable. A Service would send visitors to pods that are not ready. New pods would not count.
        ["spec"] = ["minAvailable", "minReadySeconds", "publishNotReadyAddresses"],
        ["template.spec"] = ["affinity", "hostAliases", "hostNetwork", "nodeName", "nodeSelector", "readinessGates", "schedulingGates"],
    };

    // The server sets them, or another manager owns them. They survive a complete repair.
    private static readonly HashSet<string> Kept = new(StringComparer.Ordinal)
    {
        "allocateLoadBalancerNodePorts",
        "clusterIP",
        "clusterIPs",
        "externalTrafficPolicy",
        "healthCheckNodePort",
        "internalTrafficPolicy",
        "ipFamilies",
        "ipFamilyPolicy",
        "loadBalancerClass",
        "nodePort",
        "paused",
        "replicas",
        "sessionAffinity",
    };

    /// <summary>All differences, in the order of the desired fields.</summary>
    /// <param name="desired">The desired fields.</param>
    /// <param name="live">The current object.</param>
    public static IReadOnlyList<Difference> Find(JsonObject desired, JsonObject live)
    {
        var found = new List<Difference>();
        Compare(desired, live, new Place("", "", IsExact: false), found);
        return found;
    }

    /// <summary>The current object with the desired fields. Additions that do not count stay.</summary>
    /// <param name="desired">The desired fields.</param>
    /// <param name="live">The current object.</param>
    /// <param name="isComplete">
    /// Whether to remove additions too, except labels, annotations and fields that the server sets: an addition may exclude a desired field, such as a second
    /// source of a volume.
    /// </param>
    public static JsonObject Repair(JsonObject desired, JsonObject live, bool isComplete) =>
        Merge(desired, live, new Place("", "", IsExact: false), isComplete)!.AsObject();

    private static void Compare(JsonNode? desired, JsonNode? live, Place place, List<Difference> found)
    {
        switch (desired, live)
        {
            case (null, _):
            // The server omits empty fields.
            case (JsonObject { Count: 0 } or JsonArray { Count: 0 }, null):
                return;
            case (JsonObject wanted, JsonObject there):
                foreach (var (name, value) in wanted)
                    Compare(value, there[name], place.Of(name), found);
                found.AddRange(
                    there
                        .Where(field => IsInTheWay(field.Key, wanted, place))
                        .Select(field => new Difference(place.Of(field.Key).Path, TextOf(field.Value)) { IsExtra = true })
                );
                return;
            case (JsonArray wanted, JsonArray there):
                CompareLists(wanted, there, place, found);
                return;
            default:
                if (!JsonNode.DeepEquals(desired, live) && !AreEqualAmounts(desired, live))
                    found.Add(new Difference(place.Path, TextOf(live)));
                return;
        }
    }

    private static void CompareLists(JsonArray desired, JsonArray live, Place place, List<Difference> found)
    {
        if (FindKey(desired) is not { } key)
        {
            if (desired.Count != live.Count)
                found.Add(new Difference(place.Path, TextOf(live)));
            else
                foreach (var (wanted, there) in desired.Zip(live))
                    Compare(wanted, there, place, found);
            return;
        }

        var (pairs, others) = Pair(desired, live, key, place);
        foreach (var (wanted, there) in pairs)
        {
            var element = place.Element(NameOf(wanted, key));
            if (there is null)
                found.Add(new Difference(element.Path, null) { IsElement = true });
            else
                Compare(wanted, there, element, found);
        }

        if (place.IsExactList)
            found.AddRange(others.Select(other => new Difference(place.Element(NameOf(other, key)).Path, TextOf(other)) { IsExtra = true }));
    }

    private static JsonNode? Merge(JsonNode? desired, JsonNode? live, Place place, bool isComplete) =>
        (desired, live) switch
        {
            (null, _) => live?.DeepClone(),
            (JsonObject wanted, JsonObject there) => MergeObjects(wanted, there, place, isComplete && place.Name != "metadata"),
            (JsonArray wanted, JsonArray there) => MergeLists(wanted, there, place, isComplete),
            _ => AreEqualAmounts(desired, live) ? live!.DeepClone() : desired.DeepClone(),
        };

    private static JsonObject MergeObjects(JsonObject desired, JsonObject live, Place place, bool isComplete)
    {
        var merged = new JsonObject();
        foreach (var (name, value) in live)
        {
            if (desired.ContainsKey(name))
                merged[name] = Merge(desired[name], value, place.Of(name), isComplete);
            // At the top, everything that is not desired belongs to the server.
            else if (place.Path.Length == 0 || !(IsInTheWay(name, desired, place) || (isComplete && !Kept.Contains(name))))
                merged[name] = value?.DeepClone();
        }

        foreach (var (name, value) in desired.Where(field => !live.ContainsKey(field.Key)))
            merged[name] = value?.DeepClone();
        return merged;
    }

    private static JsonArray MergeLists(JsonArray desired, JsonArray live, Place place, bool isComplete)
    {
        if (FindKey(desired) is not { } key)
            return desired.Count == live.Count
                ? [.. desired.Zip(live).Select(pair => Merge(pair.First, pair.Second, place, isComplete))]
                : desired.DeepClone().AsArray();
        var (pairs, others) = Pair(desired, live, key, place);
        // A missing element may exist under another key.
        var hasRoom = !isComplete && !place.IsExactList && pairs.All(pair => pair.Live is not null);
        // Keeps the current order: another order of containers or variables would replace the pods.
        var merged = new JsonArray();
        foreach (var element in live)
        {
            if (pairs.FirstOrDefault(pair => ReferenceEquals(pair.Live, element)) is { Desired: { } wanted })
                merged.Add(Merge(wanted, element, place.Element(NameOf(wanted, key)), isComplete));
            else if (hasRoom || !others.Contains(element))
                merged.Add(element?.DeepClone());
        }

        foreach (var (wanted, _) in pairs.Where(pair => pair.Live is null))
            merged.Add(wanted!.DeepClone());
        return merged;
    }

    // Matches each desired element with a live one, if possible an equal one. Also returns the elements of others.
    private static (List<(JsonNode? Desired, JsonNode? Live)> Pairs, List<JsonNode?> Others) Pair(JsonArray desired, JsonArray live, string key, Place place)
    {
        var pairs = desired
            .Select(wanted =>
            {
                var candidates = live.Where(other => other is JsonObject one && JsonNode.DeepEquals(one[key], wanted![key])).ToList();
                var equal = candidates.Count < 2 ? null : candidates.FirstOrDefault(candidate => AreEqual(wanted, candidate, place));
                return (Desired: wanted, Live: equal ?? candidates.FirstOrDefault());
            })
            .ToList();
        return (pairs, [.. live.Where(element => pairs.All(pair => !ReferenceEquals(pair.Live, element)))]);
    }

    private static bool AreEqual(JsonNode? desired, JsonNode? live, Place place)
    {
        var found = new List<Difference>();
        Compare(desired, live, place, found);
        return found.Count == 0;
    }

    private static bool IsInTheWay(string field, JsonObject desired, Place place) =>
        // The server omits empty fields, and clients may send them.
        !desired.ContainsKey(field) && (place.IsExact || place.Forbids(field));

    private static string? FindKey(JsonArray elements) =>
        elements.Count == 0
            ? null
            : Keys.FirstOrDefault(key =>
                elements.All(element => element is JsonObject candidate && candidate.ContainsKey(key))
                && elements.Select(element => element![key]!.ToJsonString()).Distinct().Count() == elements.Count
            );

    // The server normalizes quantities: 1000m becomes 1.
    private static bool AreEqualAmounts(JsonNode? desired, JsonNode? live) =>
        desired is JsonValue one
        && live is JsonValue other
        && one.TryGetValue<string>(out var wanted)
        && other.TryGetValue<string>(out var there)
        && TryParse(wanted) is { } amount
        && amount.Equals(TryParse(there));

    private static ResourceQuantity? TryParse(string text)
    {
        if (text.Length is 0 or > 20 || !char.IsAsciiDigit(text[0]))
            return null;
        try
        {
            return new ResourceQuantity(text);
        }
        catch (Exception error) when (error is FormatException or OverflowException or ArgumentException)
        {
            return null;
        }
    }

    private static string NameOf(JsonNode? element, string key) => (element as JsonObject)?[key]?.ToString() ?? "";

    private static string TextOf(JsonNode? value) => value?.ToJsonString() ?? "";

    // Where a value is in an object.
    private readonly record struct Place(string Path, string Name, bool IsExact)
    {
        public bool IsExactList => IsExact || ExactLists.Contains(Name);

        public Place Of(string field) => new(Path.Length == 0 ? field : $"{Path}.{field}", field, IsExact || ExactFields.Contains(field));

        public Place Element(string key) => this with { Path = $"{Path}[{key}]" };

        public bool Forbids(string field) =>
            Forbidden.TryGetValue(Path.EndsWith("template.spec", StringComparison.Ordinal) ? "template.spec" : Name, out var fields) && fields.Contains(field);
    }
}
