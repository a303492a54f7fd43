using System.Text;
using System.Text.Json;
using FsCheck.Xunit;
using Json.Schema;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Clicks.Events;
using Xunit;

namespace UrlShortener.Runtime.Tests.Clicks.Events;

public sealed class ClickEventTests
{
    private static readonly DateTimeOffset At = new(2026, 11, 30, 8, 26, 5, 7, TimeSpan.Zero);
    private static readonly Guid Batch = Guid.Parse("0f1e2d3c-4b5a-4978-8796-a5b4c3d2e1f0");
    private static readonly AddressHash Hash = new(0xFF, 1, ulong.MaxValue, 2);

    private static readonly StoredClick Full = new(
        "spring",
        At,
        "https://news.example/zürich",
        "news.example",
        "Mozilla/5.0 \"quoted\" \u0007 \U0001F600",
        Hash,
        "CH",
        "Zürich",
        DeviceClass.Mobile,
        IsBot: false
    );

    private static readonly JsonSchema Schema = JsonSchema.FromText(File.ReadAllText(SourceTree.PathOf("config", "analytics", "click-event.v1.schema.json")));

    // What a reader of version 1 gets. The text changes only together with the version.
    [Fact]
    public void Write_AllIsKnown_HasEachProperty() =>
        Assert.Equal(
            """{"schema_version":1,"id":"01a22b8f-a94f-7000-8196-a5b4c3d2e1f0","short_code":"spring","clicked_at":"2026-11-30T08:26:05.007Z" """.TrimEnd()
                + ""","referrer":"https://news.example/z\u00FCrich","source":"news.example" """.TrimEnd()
                + ""","user_agent":"Mozilla/5.0 \u0022quoted\u0022 \u0007 \uD83D\uDE00" """.TrimEnd()
                + ""","ip_hash":"00000000000000ff0000000000000001ffffffffffffffff0000000000000002","country":"CH","city":"Z\u00FCrich","device":"mobile","is_bot":false """.TrimEnd()
                + "}",
            Write(Full)
        );

    [Fact]
    public void Write_NothingIsKnown_HasTheRequiredPropertiesOnly() =>
        Assert.Equal(
            """{"schema_version":1,"id":"01a22b8f-a94f-7000-8196-a5b4c3d2e1f0","short_code":"spring","clicked_at":"2026-11-30T08:26:05.007Z" """.TrimEnd()
                + ""","device":"other","is_bot":true}""",
            Write(new StoredClick("spring", At, null, null, null, default, null, null, DeviceClass.Other, IsBot: true))
        );

    [Property]
    public void Write_AnyTexts_IsValidBySchemaAndAscii(string? userAgent, string? city, byte device, bool isBot)
    {
        var click = Full with { UserAgent = Cut(userAgent, 512), City = Cut(city, 100), Device = (DeviceClass)(device & 3), IsBot = isBot };

        var text = Write(click);

        var result = Schema.Evaluate(JsonDocument.Parse(text).RootElement, new EvaluationOptions { OutputFormat = OutputFormat.List });
        Assert.True(result.IsValid, text);
        Assert.True(Ascii.IsValid(text));
    }

    [Fact]
    public void Write_VisitorAsksNotToBeTracked_HoldsNeitherAddressNorHashNorCity()
    {
        var address = System.Net.IPAddress.Parse("203.0.113.77");
        var click = new Click("spring", At.ToUnixTimeMilliseconds(), address, null, "Mozilla/5.0", null, null, null, DoNotTrack: true);

        using var enricher = new ClickEnricher(null);
        var salt = ClickSalt.Make();
        using var hasher = new AddressHasher(salt);

        var text = Write(enricher.Enrich(click, salt));
        var tracked = Write(enricher.Enrich(click with { DoNotTrack = false }, salt));

        Assert.DoesNotContain("ip_hash", text, StringComparison.Ordinal);
        Assert.Contains($"\"ip_hash\":\"{hasher.Hash(address)}\"", tracked, StringComparison.Ordinal);
        Assert.All([text, tracked], json => Assert.DoesNotContain("203.0.113.77", json, StringComparison.Ordinal));
    }

    [Fact]
    public void IdOf_SameClick_IsTheSameAndOfVersion7()
    {
        var id = ClickEvent.IdOf(Batch, 300, At);

        Assert.Equal(id, ClickEvent.IdOf(Batch, 300, At));
        Assert.Equal(7, id.Version);
        Assert.Equal(8, id.Variant & 0xC);
        Assert.StartsWith($"{At.ToUnixTimeMilliseconds():x12}", id.ToString("N"), StringComparison.Ordinal);
    }

    [Fact]
    public void IdOf_OtherIndexBatchOrTime_IsAnother()
    {
        Guid[] batches = [.. Enumerable.Range(0, 20).Select(_ => Guid.NewGuid())];
        var ids = batches.SelectMany(batch =>
            Enumerable.Range(0, 5_000).SelectMany(index => new[] { ClickEvent.IdOf(batch, index, At), ClickEvent.IdOf(batch, index, At.AddMilliseconds(1)) })
        );

        Assert.Equal(200_000, ids.Distinct().Count());
    }

    [Fact]
    public void IdOf_LaterClickOfABatch_SortsBehind()
    {
        var ids = Enumerable.Range(0, 1_000).Select(index => ClickEvent.IdOf(Batch, index, At).ToString()).ToList();

        Assert.Equal(ids.Order(StringComparer.Ordinal), ids);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(ClickEvent.MaxIndex)]
    public void IdOf_IndexBeyondABatch_IsRefused(int index) => Assert.Throws<ArgumentOutOfRangeException>(() => ClickEvent.IdOf(Batch, index, At));

    private static string? Cut(string? text, int length) => HeaderText.Cut(text, length);

    private static string Write(StoredClick click)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
            ClickEvent.Write(json, ClickEvent.IdOf(Batch, 6, click.At), click);
        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
