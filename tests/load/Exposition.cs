using System.Globalization;

namespace UrlShortener.Load;

/// <summary>What the product's metrics say at one moment, in the Prometheus text format.</summary>
internal sealed class Exposition(string text)
{
    private readonly string[] _lines = text.Split('\n');

    /// <summary>The sum of all series of a metric whose labels hold <paramref name="labels"/>, each written <c>name="value"</c>. A counter not yet incremented
    /// may be absent, and is 0.</summary>
    public double Sum(string name, params string[] labels)
    {
        var total = 0.0;
        foreach (var line in _lines)
        {
            if (
                line.StartsWith(name, StringComparison.Ordinal)
                && line.AsSpan(name.Length) is [' ' or '{', ..]
                && Array.TrueForAll(labels, label => line.Contains(label, StringComparison.Ordinal))
            )
                total += double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
        }

        return total;
    }
}
