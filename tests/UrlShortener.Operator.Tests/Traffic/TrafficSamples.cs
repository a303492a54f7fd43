using k8s.Models;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Traffic;

namespace UrlShortener.Operator.Tests.Traffic;

/// <summary>Regions of a group with traffic, for unit tests.</summary>
internal static class TrafficSamples
{
    /// <summary>The time.</summary>
    public static readonly DateTimeOffset Noon = new(2030, 1, 31, 12, 0, 0, TimeSpan.Zero);

    private static readonly DateTime Start = new(2030, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    /// <summary>A region that serves, and has what its specification asks for.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="change">Changes the specification.</param>
    /// <param name="serves">What the looks say.</param>
    /// <param name="weight">The published weight; null: that of the specification if it serves.</param>
    /// <param name="group">Its group.</param>
    /// <param name="age">Days since the first of all.</param>
    /// <param name="holds">Whether its host names are published.</param>
    public static V1Alpha1ShortenerRegion Region(
        string name,
        Func<TrafficSpec, TrafficSpec>? change = null,
        bool? serves = true,
        int? weight = null,
        string group = "default",
        int age = 0,
        bool holds = true
    )
    {
        var traffic = new TrafficSpec
        {
            Hostnames = ["sho.rt"],
            Mode = TrafficMode.DNSEndpoint,
            Targets = [$"192.0.2.{name.Sum(letter => letter) % 250}"],
        };
        traffic = change?.Invoke(traffic) ?? traffic;
        return new V1Alpha1ShortenerRegion
        {
            Metadata = new V1ObjectMeta
            {
                Name = name,
                NamespaceProperty = "links",
                Uid = $"{group}-{name}",
                Generation = 1,
                CreationTimestamp = Start.AddDays(age),
            },
            Spec = new RegionSpec
            {
                Region = name,
                Group = group,
                Traffic = traffic,
            },
            Status = new RegionStatus
            {
                Traffic = new TrafficStatus
                {
                    Serves = serves,
                    EffectiveWeight = weight ?? (serves == true ? traffic.Weight : 0),
                    Hostnames = holds ? traffic.Hostnames : null,
                },
            },
        };
    }

    /// <summary>What a region of the group sees.</summary>
    public static ObservedTraffic Observed(IReadOnlyList<V1Alpha1ShortenerRegion> group, IReadOnlyList<V1Alpha1ShortenerRegion>? others = null) =>
        new()
        {
            Group = group,
            Others = others ?? [],
            ServesDns = true,
            ServesRoutes = true,
        };

    /// <summary>The plan of a region of the group.</summary>
    public static TrafficPlan Plan(IReadOnlyList<V1Alpha1ShortenerRegion> group, int index = 0, IReadOnlyList<V1Alpha1ShortenerRegion>? others = null) =>
        TrafficPlan.Of(group[index], Observed(group, others), Noon);
}
