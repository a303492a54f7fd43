using System.Runtime.InteropServices;
using UrlShortener.Runtime.Clicks;

namespace UrlShortener.Runtime.Statistics;

/// <summary>Adds counts of several sources up to one <see cref="ClickTotals"/>. The empty name stands for an unknown country and for a direct visit.</summary>
internal sealed class ClickTotalsBuilder
{
    private const int TopEntries = 250;

    // Most sources of a range. Sources with most clicks are added first, so that none of the top entries is lost.
    private const int MaxSources = 50_000;

    // Sums come in the order of time, and years have hundreds of thousands of quarters. What comes out of order is at most some days.
    private readonly List<KeyValuePair<long, long>> _quarters = [];
    private readonly SortedDictionary<long, long> _quartersBetween = [];
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
        if (_quarters.Count == 0 || quarter > _quarters[^1].Key)
            _quarters.Add(KeyValuePair.Create(quarter, clicks));
        else
            _quartersBetween[quarter] = _quartersBetween.GetValueOrDefault(quarter) + clicks;
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
            Quarters(),
            Top(_countries),
            Top(_sources),
            [.. _devices.Select((clicks, device) => KeyValuePair.Create((DeviceClass)device, clicks)).Where(entry => entry.Value > 0)]
        );

    private List<KeyValuePair<long, long>> Quarters()
    {
        if (_quartersBetween.Count == 0)
            return _quarters;
        var merged = new List<KeyValuePair<long, long>>(_quarters.Count + _quartersBetween.Count);
        foreach (var (quarter, clicks) in _quarters.Concat(_quartersBetween).OrderBy(entry => entry.Key))
        {
            if (merged.Count > 0 && merged[^1].Key == quarter)
                merged[^1] = KeyValuePair.Create(quarter, merged[^1].Value + clicks);
            else
                merged.Add(KeyValuePair.Create(quarter, clicks));
        }

        return merged;
    }

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
