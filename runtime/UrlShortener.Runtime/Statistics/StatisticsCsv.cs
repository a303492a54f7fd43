using System.Buffers;
using System.Globalization;

namespace UrlShortener.Runtime.Statistics;

/// <summary>Writes statistics as CSV: a record for each number, under the names of the JSON answer. Pure.</summary>
internal static class StatisticsCsv
{
    /// <summary>Writes them.</summary>
    public static void Write(IBufferWriter<byte> output, StatisticsResponse statistics)
    {
        CsvText.Write(output, "statistic", "name", "value");
        Add("total_clicks", "", statistics.TotalClicks);
        Add("unique_visitors", "", statistics.UniqueVisitors);
        Add("bots", "", statistics.Bots);
        foreach (var bucket in statistics.TimeSeries)
            Add("time_series", bucket.Timestamp, bucket.Clicks);
        foreach (var country in statistics.Geographic)
            Add("geographic", country.Country, country.Clicks);
        foreach (var source in statistics.Referrers)
            Add("referrers", source.Source, source.Clicks);
        Add("devices", "mobile", statistics.Devices.Mobile);
        Add("devices", "desktop", statistics.Devices.Desktop);
        Add("devices", "tablet", statistics.Devices.Tablet);
        Add("devices", "other", statistics.Devices.Other);
        foreach (var minute in statistics.ClicksLastHour ?? [])
            Add("clicks_last_hour", minute.Timestamp, minute.Clicks);

        void Add(string statistic, string name, long value) => CsvText.Write(output, statistic, name, value.ToString(CultureInfo.InvariantCulture));
    }
}
