using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text.Json.Serialization;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Statistics;

namespace UrlShortener.Runtime.Storage.Sqlite;

/// <summary>Sums of the clicks of one link on one UTC day, stored as JSON. An empty name means an unknown country or a direct
/// visit.</summary>
internal sealed class DaySums
{
    private readonly HashSet<UInt128> _seen = [];

    /// <summary>Number of distinct address hashes of people.</summary>
    public long Visitors { get; set; }

    /// <summary>Clicks by bots.</summary>
    public long Bots { get; set; }

    /// <summary>Clicks by people, by quarter of an hour since 1970.</summary>
    public SortedDictionary<long, long> Quarters { get; init; } = [];

    /// <summary>Clicks by people, by <see cref="DeviceClass"/>.</summary>
    public SortedDictionary<int, long> Devices { get; init; } = [];

    /// <summary>Clicks by people, by country.</summary>
    public Dictionary<string, long> Countries { get; init; } = new(StringComparer.Ordinal);

    /// <summary>Clicks by people, by source; see <see cref="ClickSources"/>.</summary>
    public Dictionary<string, long> Sources { get; init; } = new(StringComparer.Ordinal);

    /// <summary>Unix milliseconds of the first click; <see cref="long.MaxValue"/> if there is none. Stored in its own column.</summary>
    [JsonIgnore]
    public long FirstAt { get; private set; } = long.MaxValue;

    /// <summary>Unix milliseconds of the last click. Stored in its own column.</summary>
    [JsonIgnore]
    public long LastAt { get; private set; } = long.MinValue;

    /// <summary>Adds a click.</summary>
    public void Add(in PackedClick click, ReadOnlySpan<byte> hash)
    {
        FirstAt = Math.Min(FirstAt, click.At);
        LastAt = Math.Max(LastAt, click.At);
        if (click.IsBot)
        {
            Bots++;
            return;
        }

        if (!hash.IsEmpty && _seen.Add(BinaryPrimitives.ReadUInt128BigEndian(hash)))
            Visitors++;
        var quarter = click.At / 1000 / TimeSeries.QuarterSeconds;
        Quarters[quarter] = Quarters.GetValueOrDefault(quarter) + 1;
        Devices[(int)click.Device] = Devices.GetValueOrDefault((int)click.Device) + 1;
        CollectionsMarshal.GetValueRefOrAddDefault(Countries, click.Country ?? "", out _)++;
        CollectionsMarshal.GetValueRefOrAddDefault(Sources, NameOf(click.Source ?? ""), out _)++;
    }

    /// <summary>Adds these sums to the totals of a range.</summary>
    public void AddTo(ClickTotalsBuilder totals)
    {
        totals.AddVisitors(Visitors);
        totals.AddBots(Bots);
        foreach (var (quarter, clicks) in Quarters)
            totals.AddQuarter(quarter, clicks);
        foreach (var (device, clicks) in Devices)
            totals.AddDevice((DeviceClass)device, clicks);
        foreach (var (country, clicks) in Countries)
            totals.AddCountry(country, clicks);
        foreach (var (source, clicks) in Sources)
            totals.AddSource(source, clicks);
    }

    // The first sources keep their names. Direct visits and the sum of other sources do not count towards the limit.
    private string NameOf(string source)
    {
        if (Sources.Count < ClickSources.MaxPerDay || source.Length == 0 || Sources.ContainsKey(source))
            return source;
        var named = Sources.Count - (Sources.ContainsKey("") ? 1 : 0) - (Sources.ContainsKey(ClickSources.Others) ? 1 : 0);
        return named < ClickSources.MaxPerDay ? source : ClickSources.Others;
    }
}

/// <summary>Serialisation of <see cref="DaySums"/>.</summary>
[JsonSerializable(typeof(DaySums))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
internal sealed partial class DaySumsJson : JsonSerializerContext;
