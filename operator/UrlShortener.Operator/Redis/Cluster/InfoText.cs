using System.Globalization;

namespace UrlShortener.Operator.Redis.Cluster;

/// <summary>An answer to INFO or CLUSTER INFO: lines with a name and a value.</summary>
internal sealed class InfoText
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    /// <summary>Reads an answer. Lines that are not a name and a value are skipped.</summary>
    public InfoText(string text)
    {
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            if (colon > 0 && line[0] != '#')
                _values[line[..colon]] = line[(colon + 1)..].TrimEnd('\r');
        }
    }

    /// <summary>A value; empty: there is none.</summary>
    public string this[string name] => _values.GetValueOrDefault(name, "");

    /// <summary>A number; null: there is none.</summary>
    public long? NumberOf(string name) =>
        long.TryParse(this[name], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : null;
}
