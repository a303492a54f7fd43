using System.Runtime.InteropServices;
using UrlShortener.Runtime.Clicks;

namespace UrlShortener.Runtime.Statistics;

/// <summary>Adds counts of several sources up to one <see cref="ClickTotals"/>. The empty name stands for an unknown country and for a direct visit.</summary>
internal sealed class ClickTotalsBuilder
{
    private const int TopEntries = 250;

    // Most sources of a range. Sources with most clicks are added first, so that none of the top entries is lost.
    private const int MaxSources = 50_000;

    private readonly SortedDictionary<long, long> _quarters = [];
    private readonly Dictionary<string, long> _countries = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _sources = new(StringComparer.Ordinal);
    private readonly long[] _devices = new long[Enum.GetValues<DeviceClass>().Length];
    private long _people;
    private long _visitors;
    private long _bots;

    /// <summary>Adds clicks by people within a quarter of an hour; see <see cref="ClickTotals"/>.</summary>
    public void AddQuarter(long quarter, long clicks)
    {
        if (clicks == 0)
            return;
        _people += clicks;
        _quarters[quarter] = _quarters.GetValueOrDefault(quarter) + clicks;
    }

    /// <summary>Adds visitors of a day that no other part counts.</summary>
    public void AddVisitors(long visitors) => _visitors += visitors;

    /// <summary>Adds clicks by machines.</summary>
    public void AddBots(long clicks) => _bots += clicks;

    /// <summary>Adds clicks by people from one class of device.</summary>
    public void AddDevice(DeviceClass device, long clicks) => _devices[(int)device] += clicks;

    /// <summary>Adds clicks by people from one country.</summary>
    public void AddCountry(string country, long clicks) => CollectionsMarshal.GetValueRefOrAddDefault(_countries, country, out _) += clicks;

    /// <summary>Adds clicks by people from one source.</summary>
    public void AddSource(string source, long clicks)
    {
        var name = _sources.Count < MaxSources || _sources.ContainsKey(source) ? source : ClickSources.Others;
        CollectionsMarshal.GetValueRefOrAddDefault(_sources, name, out _) += clicks;
    }

    /// <summary>The sums.</summary>
    public ClickTotals Build() =>
        new(
            _people,
            _visitors,
            _bots,
            [.. _quarters],
            Top(_countries),
            Top(_sources),
            [.. _devices.Select((clicks, device) => KeyValuePair.Create((DeviceClass)device, clicks)).Where(entry => entry.Value > 0)]
        );

    private static List<KeyValuePair<string?, long>> Top(Dictionary<string, long> counts) =>
        [
            .. counts
                .Where(entry => entry.Value > 0)
                .OrderByDescending(entry => entry.Value)
                .ThenBy(entry => entry.Key, StringComparer.Ordinal)
                .Take(TopEntries)
                .Select(entry => KeyValuePair.Create(entry.Key.Length == 0 ? null : entry.Key, entry.Value)),
        ];
}
