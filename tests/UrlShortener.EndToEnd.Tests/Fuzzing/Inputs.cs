using System.Text;
using FsCheck;
using FsCheck.Fluent;
using UrlShortener.EndToEnd.Tests.Product;

namespace UrlShortener.EndToEnd.Tests.Fuzzing;

/// <summary>Generators of what clients send by mistake or on purpose. Texts are lists of fragments, so that a failing one shrinks.</summary>
internal static class Inputs
{
    private static readonly string[] TextFragments =
    [
        "a",
        "Z",
        "0",
        " ",
        "\t",
        "\r",
        "\n",
        "\0",
        "\u007F",
        "\u0085",
        "\u2028",
        "ä",
        "ß",
        "İ",
        "中",
        "😀",
        "\u200D",
        "\u202E",
        "\uFEFF",
        "\uFFFD",
        "\uFFFF",
        "é",
        "\uD800",
        "\uDC00",
        "%",
        "%00",
        "%2F",
        "%0d%0a",
        "%ff",
        "..",
        "/",
        "\\",
        ";",
        "'",
        "\"",
        "<script>",
        "&",
        "=",
        "+",
        "?",
        "#",
        ":",
        "@",
        "[",
        "]",
        "{",
        "}",
        "|",
        "^",
        "`",
        "~",
        "*",
        "$",
    ];

    private static readonly string[] UrlFragments =
    [
        "http://",
        "https://",
        "//",
        "example.com",
        "EXAMPLE.com.",
        "xn--",
        "xn--mgba",
        "bücher.example.org",
        "www.",
        ".",
        "..",
        "-",
        "_",
        "@",
        ":",
        ":80",
        ":65536",
        ":0",
        "[",
        "]",
        "[::1]",
        "127.0.0.1",
        "0x7f.1",
        "2130706433",
        "localhost",
        "1.2.3.4",
        "/",
        "/path",
        "?q=1",
        "#frag",
        "%41",
        "%",
        "%zz",
        "user:pass@",
        "。",
        "．",
        "ß",
        "İ",
        "\u00AD",
        "\u200D",
        "\u0430",
        "α",
        "😀",
        "\uD83D",
        "\0",
        "\t",
        "\r\n",
        " ",
        "\\",
        "javascript:",
        "data:",
        "ftp://",
        "\"",
        "<",
        ">",
        "{",
        "}",
        "|",
        "^",
        "`",
        "'",
    ];

    private static readonly string[] JsonFragments =
    [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "null",
        "true",
        "false",
        "0",
        "-",
        "1e999",
        "-1e-999",
        "123456789012345678901234567890",
        "0.1",
        "1E400",
        "\"",
        "\"\"",
        "\\",
        "\"\\u0000\"",
        "\"\\uD800\"",
        "\"\\",
        "\"original_url\"",
        "\"https://example.com/\"",
        "\"custom_alias\"",
        "\"expires_in_days\"",
        "\"metadata\"",
        "\"redirect_type\"",
        "\"expires_at\"",
        "\"is_active\"",
        "\"urls\"",
        "//",
        "/*",
        "NaN",
        "Infinity",
        " ",
        "\n",
        "\u2028",
        "'",
        "$",
        "\"$ref\"",
        "\"$type\"",
        "\"__proto__\"",
    ];

    private static readonly string[] Values =
    [
        "null",
        "true",
        "false",
        "0",
        "-1",
        "1",
        "7",
        "301",
        "302",
        "3650",
        "3651",
        "2147483647",
        "2147483648",
        "-2147483649",
        "9223372036854775808",
        "1e999",
        "1.5",
        "1.0",
        "\"\"",
        "\"a\"",
        "\"7\"",
        "\"abcd\"",
        "\"https://example.com/\"",
        "\"http://[::1\"",
        "\"\\uD800\"",
        "\"\\u0000\"",
        "\"2030-01-31T12:00:00Z\"",
        "\"9999-12-31T23:59:59+14:00\"",
        "\"9999-12-31T23:59:59.9999999-14:00\"",
        "\"0001-01-01T00:00:00+14:00\"",
        "\"2030-02-30T00:00:00Z\"",
        "[]",
        "[[]]",
        "{}",
        "{\"a\":1}",
        "{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":1}}}}}}}}}",
        "{\"\\uD800\":1}",
        "{\"a\":\"\\uDC00\"}",
        "{\"a\":1,\"a\":2}",
        "[1,2,3]",
        "{\"original_url\":\"https://example.com/\"}",
        "[{\"original_url\":\"https://example.com/\"}]",
        "[null]",
        "{\"a\":1e400}",
    ];

    private static readonly string[] Members =
    [
        "original_url",
        "original_url",
        "custom_alias",
        "expires_in_days",
        "metadata",
        "redirect_type",
        "expires_at",
        "is_active",
        "urls",
        "unknown",
        "",
        "Original_Url",
        "$ref",
        "$type",
        "a\\u0000b",
        "\\uD800",
    ];

    /// <summary>Any text, mostly of characters that mean something somewhere.</summary>
    public static Gen<string> Text { get; } =
        Gen.Frequency((4, Join(TextFragments)), (1, Gen.Choose(0, 0xFFFF).Select(code => ((char)code).ToString()).ListOf().Select(string.Concat)), (1, Long));

    /// <summary>Texts that look like URLs.</summary>
    public static Gen<string> Url { get; } =
        Gen.Frequency(
            (
                3,
                Gen.Elements("", "http://", "https://", "https://example.com", "https://example.com/", "https://[")
                    .SelectMany(start => Join(UrlFragments).Select(rest => start + rest))
            ),
            (2, Text.Select(rest => $"https://example.com/{rest}")),
            (1, Text)
        );

    /// <summary>Texts that look like aliases.</summary>
    public static Gen<string> Alias { get; } =
        Gen.Frequency(
            (2, Text),
            (2, Join(["a", "B", "7", "_", "-", " ", "ä", "\0", "/", "."])),
            (1, Gen.Elements("bulk", "docs", "health", "metrics", "api", "robots.txt", "....", "-----", "____", "null", "CON1", "%2e%2e"))
        );

    /// <summary>Each member with each value. Chance alone would miss pairs.</summary>
    public static IEnumerable<string> AllMembers { get; } = [.. from name in Members.Distinct() from value in Values select $"\"{name}\":{value}"];

    /// <summary>Objects with known members and values of any type; members may come twice.</summary>
    public static Gen<string> JsonObject { get; } =
        Gen.Elements(Members)
            .SelectMany(name => Gen.Elements(Values).Select(value => $"\"{name}\":{value}"))
            .ListOf()
            .Select(members => $"{{{string.Join(',', members)}}}");

    /// <summary>Bodies: objects, JSON in pieces, cut off, in other encodings, with bytes that are no text, and nothing.</summary>
    public static Gen<byte[]> Body { get; } =
        Gen.Frequency(
            (4, JsonObject.Select(Encoding.UTF8.GetBytes)),
            (1, JsonObject.Select(text => Encoding.UTF8.GetBytes($$"""{"urls":[{{text}},{{text}}]}"""))),
            (3, Join(JsonFragments).Select(Encoding.UTF8.GetBytes)),
            (2, JsonObject.SelectMany(text => Gen.Choose(0, text.Length).Select(length => Encoding.UTF8.GetBytes(text[..length])))),
            (
                1,
                JsonObject.SelectMany(text =>
                    Gen.Elements<Encoding>(Encoding.Unicode, Encoding.BigEndianUnicode, Encoding.UTF32, Encoding.UTF8)
                        .Select(encoding => (byte[])[.. encoding.Preamble, .. encoding.GetBytes(text)])
                )
            ),
            (1, Gen.Choose(0, 255).Select(value => (byte)value).ArrayOf()),
            (1, Gen.Choose(128, 255).Select(value => (byte[])[.. "{\"original_url\":\"https://example.com/"u8, (byte)value, .. "\"}"u8])),
            (
                1,
                Gen.Elements(0, 1, 64, 65, 10_000, 60_000)
                    .SelectMany(depth => Gen.Elements("[", "{\"a\":", "{\"metadata\":", "{\"urls\":[").Select(open => Repeat(open, depth)))
            )
        );

    /// <summary>Names of query parameters, real ones and others.</summary>
    public static Gen<string> ParameterName { get; } =
        Gen.Frequency(
            (
                6,
                Gen.Elements(
                    "limit",
                    "cursor",
                    "code",
                    "target",
                    "metadata",
                    "is_active",
                    "start_date",
                    "end_date",
                    "granularity",
                    "time_zone",
                    "format",
                    "size",
                    "error_correction",
                    "margin"
                )
            ),
            (1, Text.Select(Escape))
        );

    /// <summary>Values of query parameters, as they stand in the address.</summary>
    public static Gen<string> ParameterValue { get; } =
        Gen.Frequency(
            (
                3,
                Gen.Elements(
                    "0",
                    "1",
                    "-1",
                    "20",
                    "100",
                    "64",
                    "300",
                    "2048",
                    "99999999999999999999",
                    "1e9",
                    "0x10",
                    "٣",
                    "%D9%A3",
                    "true",
                    "False",
                    "png",
                    "svg",
                    "PNG",
                    "L",
                    "H",
                    "hour",
                    "day",
                    "week",
                    "HOUR"
                )
            ),
            (
                3,
                Gen.Elements(
                    "9999-12-31",
                    "0001-01-01",
                    "2026-02-30",
                    "2026-02-29",
                    "1970-01-01",
                    "1969-12-31",
                    "9000-12-31",
                    "9001-01-01",
                    "2026-01-31T12:00:00Z",
                    "9999-12-31T23:59:59Z",
                    "9000-12-31T23:59:59-14:00",
                    "0001-01-01T00:00:00%2B14:00",
                    "1970-01-01T00:00:00%2B14:00",
                    "2026-01-31T24:00:00Z",
                    "2026-06-30T23:59:60Z",
                    "2026-01-31+00:00",
                    "20260131",
                    "-0001-01-01",
                    "yesterday"
                )
            ),
            (
                2,
                Gen.Elements(
                    "UTC",
                    "Europe/Berlin",
                    "Pacific/Kiritimati",
                    "../../etc/passwd",
                    "..%2F..%2Fetc%2Fpasswd",
                    "/etc/passwd",
                    "posixrules",
                    "right/UTC",
                    "America/../UTC",
                    "Etc/GMT%2B12",
                    "localtime",
                    "tzdata.zi",
                    "leapseconds",
                    "zone.tab",
                    "Europe",
                    ".",
                    "GMT+0:99",
                    "%00",
                    "Europe/Berlin%00",
                    "W.+Europe+Standard+Time"
                )
            ),
            (
                1,
                Gen.Elements(
                    "campaign:spring",
                    ":",
                    "a:",
                    ":a",
                    "a:b:c",
                    "%22:1",
                    "$.a:1",
                    "a%27%3B--:x",
                    "%25:%25",
                    "_:%5F",
                    "*:*",
                    "%00:%00",
                    "%ED%A0%80:1",
                    "MC4w",
                    "MTc2.MQ",
                    "MTc2MDAwMDAwMDAwMC4x",
                    "%F0%9F%98%80",
                    "%ff"
                )
            ),
            (2, Text.Select(Escape))
        );

    /// <summary>Request targets.</summary>
    public static Gen<string> Target { get; } =
        Gen.Frequency(
            (
                5,
                Join([
                        "/",
                        "/",
                        "api",
                        "v1",
                        "urls",
                        "stats",
                        "qr",
                        "health",
                        "live",
                        "metrics",
                        "docs",
                        "openapi",
                        "v1.json",
                        "robots.txt",
                        "bulk",
                        "abcd",
                        "..",
                        ".",
                        "%2e%2e",
                        "%2F",
                        "%00",
                        "%0d%0a",
                        "%",
                        "%zz",
                        "%ff",
                        "%C0%AF",
                        "%F0%9F%98%80",
                        "ä",
                        ";",
                        ";v=1",
                        "?",
                        "?a=b",
                        "#",
                        "*",
                        "\\",
                        "~",
                        "scalar.js",
                        "{short_code}",
                        "+",
                        " ",
                        "@",
                        ":",
                        "http:",
                        "//",
                    ])
                    .Select(text => $"/{text}")
            ),
            (
                1,
                Gen.Elements(
                    "*",
                    "http://example.com/",
                    "http://example.com/abcd",
                    "http://",
                    "http:///",
                    "https://example.com:99999/",
                    "example.com:443",
                    "ftp://a/",
                    "",
                    "/%",
                    "abcd",
                    "?",
                    "//",
                    "//example.com/abcd",
                    "/./",
                    "/../",
                    "/api/v1/urls/../../health",
                    "http://[::1]/",
                    "HTTP://A/abcd",
                    "/\u0001",
                    "/\u007F",
                    "http://user:pass@example.com/abcd"
                )
            ),
            (
                1,
                Gen.Elements(10, 4_000, 8_100, 8_192, 20_000, 100_000)
                    .SelectMany(length =>
                        Gen.Elements("a", "%41", "/a", "ä", "../", "?a", "&a=1")
                            .Select(part => $"/{string.Concat(Enumerable.Repeat(part, length / part.Length))}")
                    )
            )
        );

    /// <summary>Methods.</summary>
    public static Gen<string> Method { get; } =
        Gen.Frequency(
            (4, Gen.Elements("GET", "HEAD")),
            (
                3,
                Gen.Elements(
                    "POST",
                    "PUT",
                    "PATCH",
                    "DELETE",
                    "OPTIONS",
                    "TRACE",
                    "CONNECT",
                    "FOO",
                    "get",
                    "QUERY",
                    "PRI",
                    "GE T",
                    "",
                    "G\0T",
                    "VERYLONGMETHODNAMETHATNOBODYEVERSENDS"
                )
            )
        );

    /// <summary>Header lines, line ends and all.</summary>
    public static Gen<string> Header { get; } =
        Gen.Elements(
                "X-API-Key",
                "X-API-Key",
                "Authorization",
                "X-Idempotency-Key",
                "Accept",
                "Accept-Language",
                "Accept-Encoding",
                "User-Agent",
                "Referer",
                "Cookie",
                "X-Forwarded-For",
                "X-Forwarded-Proto",
                "X-Forwarded-Host",
                "X-Forwarded-Prefix",
                "Forwarded",
                "Content-Type",
                "Content-Length",
                "Content-Encoding",
                "Transfer-Encoding",
                "Host",
                "Expect",
                "Upgrade",
                "Connection",
                "If-None-Match",
                "If-Modified-Since",
                "Range",
                "DNT",
                "Sec-GPC",
                "Sec-CH-UA-Mobile",
                "Sec-CH-UA-Platform",
                "X-HTTP-Method-Override",
                "Origin",
                "Access-Control-Request-Method",
                "CF-IPCountry",
                "Trailer",
                "TE",
                "Keep-Alive",
                "HTTP2-Settings",
                "X-Ü",
                "X Y",
                "",
                ":method"
            )
            .SelectMany(name => HeaderValue.Select(value => $"{name}: {value}"));

    /// <summary>A JSON text in ASCII: everything else is escaped, halves of surrogate pairs too.</summary>
    public static string Quote(string text) =>
        $"\"{string.Concat(text.Select(character => character is >= ' ' and <= '~' and not ('"' or '\\') ? character.ToString() : $"\\u{(int)character:x4}"))}\"";

    /// <summary>Checks a property; a failing value is made smaller by leaving out ever smaller parts of it.</summary>
    public static void Check(Gen<string> values, int count, Action<string> check) =>
        Run(Arb.From(values, value => Shrink(value.ToCharArray()).Select(part => new string(part))), count, check);

    /// <summary>The same for lists and bytes.</summary>
    public static void Check<T>(Gen<T[]> values, int count, Action<T[]> check) => Run(Arb.From(values, Shrink), count, check);

    /// <summary>
    /// How many of so many inputs are tried. What HTTP and the checks of input refuse never reaches a store: on servers, a quarter is enough for the texts that
    /// pass.
    /// </summary>
    public static int Share(int count) => ProductStores.AreServers ? count / 4 : count;

    private static void Run<T>(Arbitrary<T> values, int count, Action<T> check) =>
        Prop.ForAll(values, check).Check(Config.QuickThrowOnFailure.WithMaxTest(Share(count)).WithEndSize(12));

    private static IEnumerable<T[]> Shrink<T>(T[] value)
    {
        for (var length = value.Length; length > 0; length /= 2)
        {
            // Single characters of a long text take too long; its parts have shrunk by then.
            for (var start = 0; start < value.Length && value.Length / length <= 256; start += length)
                yield return [.. value[..start], .. value[Math.Min(start + length, value.Length)..]];
        }
    }

    private static Gen<string> HeaderValue =>
        Gen.Frequency(
            (
                4,
                Gen.Elements(
                    "",
                    " ",
                    "a",
                    "0",
                    "1",
                    "-1",
                    "5",
                    "99999999999999999999",
                    "1, 1",
                    "chunked",
                    "gzip, chunked",
                    "chunked, gzip",
                    "identity",
                    "xchunked",
                    "100-continue",
                    "h2c",
                    "websocket",
                    "close",
                    "keep-alive",
                    "*",
                    "*/*",
                    "text/html",
                    "text/html;q=99",
                    ";;;,,,",
                    "application/json",
                    "application/json; charset=utf-16",
                    "application/json; charset=nonsense",
                    "application/x-www-form-urlencoded",
                    "multipart/form-data; boundary=a",
                    "application/json/json",
                    "/",
                    "bytes=0-0",
                    "bytes=-1",
                    "Bearer",
                    "Bearer ",
                    "Bearer a.b.c",
                    "Bearer eyJhbGciOiJub25lIn0.e30.",
                    "Basic YTpi",
                    "Bearer ..",
                    "Negotiate a",
                    "usk_0123456789012345678901234567890123456789012"
                )
            ),
            (
                2,
                Gen.Elements(
                    "127.0.0.1",
                    "1.2.3.4, 5.6.7.8, ::1",
                    "for=\"[::1]:80\";proto=https",
                    "https",
                    "javascript",
                    "evil.example.com",
                    "evil.example.com:99999",
                    "[::1",
                    "a b",
                    "a/b",
                    "a@b",
                    "user:pass@host",
                    "localhost:0",
                    "http://a/",
                    "a\r\n b",
                    "a\r\n\tb",
                    "a\r\nX-Injected: 1",
                    "a\rb",
                    "a\nb",
                    "a\0b",
                    "a\r\n\r\nGET /health HTTP/1.1\r\nHost: a",
                    "\"W/\"",
                    "W/\"*\"",
                    "Mon, 99 Foo 2026",
                    "ä",
                    "\u0001",
                    "\u007F",
                    "ÿ"
                )
            ),
            (1, Text),
            (1, Gen.Elements(100, 8_000, 16_000, 33_000, 70_000).Select(length => new string('a', length)))
        );

    private static Gen<string> Long =>
        Gen.Elements("a", "%41", "ä", "😀", "a.", "/").Select(part => string.Concat(Enumerable.Repeat(part, 100_000 / part.Length)));

    private static Gen<string> Join(string[] fragments) => Gen.Elements(fragments).ListOf().Select(string.Concat);

    private static string Escape(string text) => Uri.EscapeDataString(text[..Math.Min(text.Length, 2_000)]);

    private static byte[] Repeat(string text, int times) => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(text, times)));
}
