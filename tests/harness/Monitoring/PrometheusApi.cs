using System.Globalization;
using System.Text.Json;
using Xunit;

namespace UrlShortener.TestHarness.Monitoring;

/// <summary>Asks a Prometheus.</summary>
internal sealed class PrometheusApi(Uri address) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = address, Timeout = TimeSpan.FromSeconds(20) };

    /// <summary>The series of an expression now: labels and values.</summary>
    public async Task<IReadOnlyList<(IReadOnlyDictionary<string, string> Labels, double Value)>> QueryAsync(string expression)
    {
        using var response = await _http.GetAsync($"api/v1/query?query={Uri.EscapeDataString(expression)}", TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, $"{expression}: {text}");
        using var answer = JsonDocument.Parse(text);
        return
        [
            .. answer
                .RootElement.GetProperty("data")
                .GetProperty("result")
                .EnumerateArray()
                .Select(series =>
                    (
                        (IReadOnlyDictionary<string, string>)
                            series.GetProperty("metric").EnumerateObject().ToDictionary(label => label.Name, label => label.Value.GetString()!),
                        Parse(series.GetProperty("value")[1].GetString()!)
                    )
                ),
        ];
    }

    /// <summary>Whether an alert fires.</summary>
    public async Task<bool> FiresAsync(string alert, string labels = "") =>
        (await QueryAsync($"ALERTS{{alertname=\"{alert}\", alertstate=\"firing\"{(labels.Length == 0 ? "" : ", ")}{labels}}}")).Count > 0;

    private static double Parse(string value) =>
        value switch
        {
            "+Inf" => double.PositiveInfinity,
            "-Inf" => double.NegativeInfinity,
            _ => double.Parse(value, CultureInfo.InvariantCulture),
        };

    /// <inheritdoc />
    public void Dispose() => _http.Dispose();
}
