using System.Globalization;
using System.Text.Json;
using Xunit;

namespace UrlShortener.TestHarness.Monitoring;

/// <summary>Asks a Prometheus.</summary>
internal sealed class PrometheusApi(Uri address) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = address, Timeout = TimeSpan.FromMinutes(2) };

    /// <summary>The series of an expression now: labels and values.</summary>
    public async Task<IReadOnlyList<(IReadOnlyDictionary<string, string> Labels, double Value)>> QueryAsync(string expression)
    {
        using var answer = await ReadAsync($"api/v1/query?query={Uri.EscapeDataString(expression)}");
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

    /// <summary>The targets that it scrapes: their pool, labels, and whether the last scrape succeeded (<c>up</c>).</summary>
    public async Task<IReadOnlyList<(string Pool, IReadOnlyDictionary<string, string> Labels, string Health)>> ReadTargetsAsync()
    {
        using var answer = await ReadAsync("api/v1/targets?state=active");
        return
        [
            .. answer
                .RootElement.GetProperty("data")
                .GetProperty("activeTargets")
                .EnumerateArray()
                .Select(target =>
                    (
                        target.GetProperty("scrapePool").GetString()!,
                        (IReadOnlyDictionary<string, string>)
                            target.GetProperty("labels").EnumerateObject().ToDictionary(label => label.Name, label => label.Value.GetString()!),
                        target.GetProperty("health").GetString()!
                    )
                ),
        ];
    }

    /// <summary>What went wrong in the last evaluation of each rule, such as labels that match twice.</summary>
    public async Task<IReadOnlyList<string>> ReadRuleErrorsAsync()
    {
        using var answer = await ReadAsync("api/v1/rules");
        return
        [
            .. answer
                .RootElement.GetProperty("data")
                .GetProperty("groups")
                .EnumerateArray()
                .SelectMany(group => group.GetProperty("rules").EnumerateArray())
                .Where(rule => rule.GetProperty("health").GetString() == "err")
                .Select(rule => $"{rule.GetProperty("name")}: {rule.GetProperty("lastError")}"),
        ];
    }

    private async Task<JsonDocument> ReadAsync(string path)
    {
        using var response = await _http.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, $"{path}: {text}");
        return JsonDocument.Parse(text);
    }

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
