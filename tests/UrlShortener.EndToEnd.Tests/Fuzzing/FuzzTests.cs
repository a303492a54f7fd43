using System.Text;
using System.Text.Json;
using FsCheck.Fluent;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Fuzzing;

/// <summary>No answer of the 500s, no hang, no injection, whatever is asked of links; and the process is as well as before. A failing request is printed for
/// replay.</summary>
[Collection(nameof(FuzzGroup))]
public sealed class FuzzTests : ProductTest
{
    private const string Urls = "/api/v1/urls";

    private readonly ProductProcess _product;
    private readonly FuzzTarget _target;
    private readonly int _outputBefore;

    public FuzzTests(FuzzFixture fixture)
    {
        _product = Share(fixture.Product);
        _target = fixture.Target;
        _outputBefore = _product.AllOutput.Length;
    }

    [Fact]
    public async Task Create_AnyUrl_IsRefusedOrLeadsWhereBrowsersCanGo()
    {
        var before = _target.Created;
        Inputs.Check(
            Inputs.Url,
            600,
            url => _target.CheckCreated(_target.Send("POST", Urls, Encoding.ASCII.GetBytes($$"""{"original_url":{{Inputs.Quote(url)}}}""")))
        );
        // As UTF-8, not as escapes.
        Inputs.Check(Inputs.Url, 200, url => _target.CheckCreated(_target.Send("POST", Urls, JsonSerializer.SerializeToUtf8Bytes(new { original_url = url }))));

        // Else these inputs only ever met the door.
        Assert.InRange(_target.Created - before, Inputs.Share(20), Inputs.Share(800));
        await _target.AssertWellAsync(_outputBefore);
    }

    [Fact]
    public async Task Create_AnyAlias_IsRefusedOrFollowed()
    {
        Inputs.Check(
            Inputs.Alias,
            400,
            alias =>
                _target.CheckCreated(
                    _target.Send(
                        "POST",
                        Urls,
                        Encoding.ASCII.GetBytes($$"""{"original_url":"https://example.com/alias","custom_alias":{{Inputs.Quote(alias)}}}""")
                    )
                )
        );

        await _target.AssertWellAsync(_outputBefore);
    }

    [Fact]
    public async Task Create_AnyBody_IsRefusedOrCreated()
    {
        Inputs.Check(Inputs.Body, 800, body => _target.CheckCreated(_target.Send("POST", Urls, body)));
        Inputs.Check(
            Inputs.JsonObject,
            300,
            text =>
                _target.CheckCreated(_target.Send("POST", Urls, Encoding.UTF8.GetBytes($$"""{"original_url":"https://example.com/",{{text.TrimStart('{')}}""")))
        );

        await _target.AssertWellAsync(_outputBefore);
    }

    [Fact]
    public async Task CreateMany_AnyBody_IsRefusedOrCreated()
    {
        Inputs.Check(Inputs.Body, 600, body => _target.Send("POST", $"{Urls}/bulk", body));
        Inputs.Check(
            Inputs.JsonObject,
            300,
            text =>
                _target.Send(
                    "POST",
                    $"{Urls}/bulk",
                    Encoding.UTF8.GetBytes($$"""{"urls":[{{text}},{"original_url":"https://example.com/",{{text.TrimStart('{')}}]}""")
                )
        );

        await _target.AssertWellAsync(_outputBefore);
    }

    [Fact]
    public async Task Update_AnyBody_LeavesALinkThatCanBeReadAndFollowed()
    {
        var code = await _product.Owner.CreateLinkAsync();
        var changed = 0;
        Inputs.Check(Inputs.Body, 500, body => Patch(body));
        Inputs.Check(Inputs.JsonObject, 500, text => Patch(Encoding.UTF8.GetBytes(text)));
        Inputs.Check(Inputs.Url, 300, url => Patch(Encoding.ASCII.GetBytes($$"""{"original_url":{{Inputs.Quote(url)}}}""")));

        Assert.InRange(changed, Inputs.Share(20), Inputs.Share(1_300));
        await _target.AssertWellAsync(_outputBefore);

        void Patch(byte[] body)
        {
            if (_target.Send("PATCH", $"{Urls}/{code}", body).Status != 200)
                return;
            changed++;
            var read = _target.Send("GET", $"{Urls}/{code}");
            Assert.True(read.Status is 200 or 410, read.Text);
            var followed = _target.Send("GET", $"/{code}");
            Assert.True(followed.Status is 301 or 302 or 307 or 308 or 404 or 410, followed.Text);
        }
    }

    [Fact]
    public async Task Body_EveryMemberWithEveryValue_IsRefusedOrTaken()
    {
        var code = await _product.Owner.CreateLinkAsync();
        foreach (var member in Inputs.AllMembers)
        {
            var link = $$"""{"original_url":"https://example.com/",{{member}}}""";
            _target.CheckCreated(_target.Send("POST", Urls, Encoding.UTF8.GetBytes(link)));
            _target.Send("POST", $"{Urls}/bulk", Encoding.UTF8.GetBytes($$"""{"urls":[{{link}}]}"""));
            _target.Send("PATCH", $"{Urls}/{code}", Encoding.UTF8.GetBytes($"{{{member}}}"));
        }

        await _target.AssertWellAsync(_outputBefore);
    }

    [Fact]
    public async Task Query_AnyParameters_AreRefusedOrAnswered()
    {
        var query = from name in Inputs.ParameterName from value in Inputs.ParameterValue select $"{name}={value}";
        foreach (var path in (string[])[Urls, $"{Urls}/{_target.KnownCode}/stats", $"{Urls}/{_target.KnownCode}/qr"])
            Inputs.Check(query.ArrayOf(), 400, parameters => _target.Send("GET", $"{path}?{string.Join('&', parameters)}"));
        // Names of one endpoint's own, so that values are read and not only names refused.
        var dates =
            from start in Inputs.ParameterValue
            from end in Inputs.ParameterValue
            from zone in Inputs.ParameterValue
            from width in Gen.Elements("hour", "day", "week")
            select (string[])[$"start_date={start}", $"end_date={end}", $"time_zone={zone}", $"granularity={width}"];
        Inputs.Check(dates, 500, parameters => _target.Send("GET", $"{Urls}/{_target.KnownCode}/stats?{string.Join('&', parameters)}"));
        var zones =
            from day in Gen.Elements("1970-01-01", "2026-03-29", "9000-12-31", "2026-01-31T12:00:00Z")
            from zone in Inputs.ParameterValue
            select (string[])[day, zone];
        Inputs.Check(zones, 300, parts => _target.Send("GET", $"{Urls}/{_target.KnownCode}/stats?end_date={string.Join("&time_zone=", parts)}"));
        var filters = from name in Gen.Elements("cursor", "code", "target", "metadata") from value in Inputs.ParameterValue select $"{name}={value}";
        Inputs.Check(filters.ArrayOf(), 400, parameters => _target.Send("GET", $"{Urls}?{string.Join('&', parameters)}"));

        await _target.AssertWellAsync(_outputBefore);
    }
}
