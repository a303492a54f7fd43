using System.Globalization;
using System.Text.Json;

namespace UrlShortener.Load.Dashboards;

/// <summary>A series: its labels, and its values by seconds since 1970.</summary>
internal sealed record PrometheusSeries(IReadOnlyDictionary<string, string> Labels, IReadOnlyList<(double Seconds, double Value)> Values);

/// <summary>Asks a Prometheus.</summary>
internal sealed class PrometheusReader(Uri address) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = address, Timeout = TimeSpan.FromSeconds(30) };

    /// <summary>What an expression was in a time, at each step.</summary>
    public async Task<IReadOnlyList<PrometheusSeries>> QueryAsync(
        string expression,
        DateTimeOffset from,
        DateTimeOffset to,
        TimeSpan step,
        CancellationToken cancellationToken
    )
    {
        var query = string.Create(
            CultureInfo.InvariantCulture,
            $"api/v1/query_range?query={Uri.EscapeDataString(expression)}&start={from.ToUnixTimeSeconds()}&end={to.ToUnixTimeSeconds()}&step={step.TotalSeconds}"
        );
        using var response = await _http.GetAsync(query, cancellationToken);
        var text = await response.Content.ReadAsStringAsync(cancellationToken);
        if (!response.IsSuccessStatusCode)
            throw new LoadException($"Prometheus refused {expression}: {text}");
        using var answer = JsonDocument.Parse(text);
        return
        [
            .. answer
                .RootElement.GetProperty("data")
                .GetProperty("result")
                .EnumerateArray()
                .Select(series => new PrometheusSeries(
                    series.GetProperty("metric").EnumerateObject().ToDictionary(label => label.Name, label => label.Value.GetString()!, StringComparer.Ordinal),
                    [
                        .. series
                            .GetProperty("values")
                            .EnumerateArray()
                            .Select(pair => (pair[0].GetDouble(), Parse(pair[1].GetString()!)))
                            .Where(pair => double.IsFinite(pair.Item2)),
                    ]
                )),
        ];
    }

    /// <inheritdoc />
    public void Dispose() => _http.Dispose();

    // NaN is how Prometheus says that nothing was divided; Grafana draws no point for it either.
    private static double Parse(string value) => double.TryParse(value, CultureInfo.InvariantCulture, out var number) ? number : double.NaN;
}
