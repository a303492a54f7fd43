using System.Buffers;

namespace UrlShortener.Runtime.Clicks;

/// <summary>
/// Tells people from bots and phones from desktops by the rules in <c>docs/clicks.md</c>. The headers come from anyone, so every rule is a substring search:
/// linear time, no allocation, no backtracking.
/// </summary>
internal static class ClientKinds
{
    /// <summary>
    /// Names that mark an unattended client wherever they stand in the user agent, beside those that <see cref="CrawlerPatterns"/> has. Names that end in "bot"
    /// are absent: <see cref="NamesBot"/> finds those. "Scanner" is absent on purpose, because QR scanner apps are people.
    /// </summary>
    private static readonly SearchValues<string> BotMarkers = SearchValues.Create(
        [
            // By convention a crawler says what it is or where to complain.
            "+http",
            "+mailto:",
            "crawl",
            "spider",
            "slurp",
            "scrapy",
            "scraper",
            "-scrap/",
            "fetcher",
            "archiver",
            "subscribers",
            // Search engines and their helpers.
            "DuplexWeb-Google",
            "googleweblight",
            "Google-Structured-Data",
            "Google-PageRenderer",
            "Google-Cloud-",
            "Google-HTTP-",
            "Google Search Console",
            "Google Page Speed",
            "Daumoa",
            "HeadlineBrowser",
            // Link previews and image proxies. The in-app browsers of the same companies use other names.
            "facebookcatalog",
            "facebookplatform",
            "meta-external",
            "Web Preview",
            "BingPreview",
            "UriPreview",
            "URLPreview",
            "LinkPreview",
            "link preview",
            "URL Preview",
            "Cardyb",
            "Onebox",
            "XING-contenttabreceiver",
            "line-poker",
            "Pinterest/0.",
            // Uptime checks, health probes and synthetic measurements.
            "uptime",
            "monitoring",
            "Endpoint Monitor",
            "healthcheck",
            "Health-Check",
            "Health Check",
            "Edge Health Probe",
            "Datadog",
            "kube-probe",
            "GoogleHC",
            "NewRelicPinger",
            "Better Stack",
            "BetterStack",
            "Freshping",
            "Nagios",
            "Blackbox Exporter",
            "DynatraceSynthetic",
            "Gatus",
            "Statping",
            "Cronitor",
            "Hyperping",
            "OnlineOrNot",
            "Upptime",
            "Pulsetic",
            "StatusPage",
            "Oh Dear",
            "Envoy/HC",
            "PRTG",
            "Monitis",
            "DejaClick",
            "StackdriverMonitoring",
            // Servers of the Fediverse, should they leave their address out.
            "Misskey/",
            "Pleroma",
            "Akkoma",
            "GoToSocial",
            "PeerTube/",
            "Pixelfed",
            "Firefish/",
            "Sharkey/",
            "Iceshrimp",
            "Hubzilla",
            "Mobilizon",
            "BookWyrm",
            "WriteFreely",
            // Mail scanners, which follow every link of a message before its reader does.
            "Barracuda",
            "Proofpoint",
            "URLDefense",
            "URL Defense",
            "Mimecast",
            "SafeLinks",
            "Safe Links",
            "MessageLabs",
            "Cloudmark",
            "IronPort",
            "Avanan",
            "Forcepoint",
            // Readers for language models. Those that read because a person asked are bots too: what they fetch, no person sees as a page.
            "ChatGPT-",
            "OAI-",
            "Claude-",
            "Perplexity-",
            "cohere-",
            "MistralAI",
            "Bard-AI",
            "DeepSeek-User",
            "Ai2Bot-",
            "Meltwater",
            // Search optimisation, link checking, copying and security scanning.
            "Screaming Frog",
            "Sitebulb",
            "Xenu Link",
            "LinkChecker",
            "checklink",
            "Nmap Scripting",
            "CensysInspect",
            "NetcraftSurvey",
            "Nuclei",
            // Headless and automated browsers.
            "Headless",
            "SlimerJS",
            "HtmlUnit",
            "jsdom",
            // HTTP libraries that stand behind another product name.
            "python-urllib",
            "LWP::",
            "Apache-HttpClient",
            "Apache-HttpAsyncClient",
            "HttpComponents",
            "Guzzle",
            "PycURL",
            "http.rb",
            "github.com/",
        ],
        StringComparison.OrdinalIgnoreCase
    );

    /// <summary>
    /// Names that mark an unattended client only as the first product. Elsewhere they prove nothing: a phone app may carry "Java/", and "WhatsApp" later in the
    /// string is the desktop app, while alone it fetches previews.
    /// </summary>
    private static readonly string[] BotProducts =
    [
        "WhatsApp/",
        "Viber",
        "Java/",
        "Java-http-client/",
        "axios/",
        "undici",
        "node",
        "got",
        "superagent",
        "needle/",
        "request/",
        "Deno/",
        "Bun/",
        "Ruby",
        "Faraday",
        "rest-client/",
        "HTTParty",
        "Typhoeus",
        "mechanize",
        "PHP",
        "Symfony",
        "WordPress/",
        "Drupal",
        "Joomla",
        "Python",
        "httpx/",
        "urllib",
        "requests",
        "Twisted",
        "Tornado",
        "AHC/",
        "Jakarta",
        "Jetty/",
        "Jersey/",
        "ReactorNetty/",
        "Spring",
        "vertx",
        "Vert.x",
        "akka-http",
        "pekko-http",
        "unirest",
        "RestSharp/",
        "Refit",
        "Flurl",
        "reqwest",
        "hyper/",
        "ureq/",
        "isahc/",
        "fasthttp",
        "resty",
        "go-resty",
        "colly",
        "lua-resty-http",
        "libcurl",
        "Perl",
        "lwp-",
        "Mojolicious",
        "WinHTTP",
        "Microsoft-CryptoAPI",
        "Zapier",
        "n8n",
        "Prometheus/",
        "ApacheBench/",
        "wrk",
        "k6/",
        "Locust",
        "JMeter",
        "Artillery",
        "Vegeta",
        "hey/",
    ];

    /// <summary>
    /// What programs name so that people can read about them: crawlers, and the servers of Mastodon, Misskey, Friendica and their kind, each of which fetches a
    /// link that it shows. Browsers name no address.
    /// </summary>
    private static readonly SearchValues<string> Addresses = SearchValues.Create(["http://", "https://"], StringComparison.OrdinalIgnoreCase);

    private static readonly SearchValues<char> Letters = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    /// <summary>User agents that name no client at all; browsers always say more.</summary>
    private static readonly string[] EmptyProducts = ["Mozilla", "Mozilla/4.0", "Mozilla/5.0"];

    /// <summary>Tools a person starts by hand. Only as the first product: a library may mention curl further on.</summary>
    private static readonly string[] TerminalProducts =
    [
        "curl/",
        "Wget",
        "HTTPie/",
        "xh/",
        "aria2/",
        "fetch libfetch/",
        "PostmanRuntime/",
        "insomnia/",
        "bruno-runtime/",
        "Paw/",
        "RapidAPI/",
        "Thunder Client",
        "vscode-restclient",
        "IntelliJ HTTP Client",
        "Lynx/",
        "w3m/",
        "Links ",
        "ELinks/",
        "ELinks ",
        "HTTP Toolkit",
    ];

    /// <summary>Televisions, consoles, watches, headsets and cars. They come first, because most also claim Android, Windows or a phone.</summary>
    private static readonly SearchValues<string> OtherMarkers = SearchValues.Create(
        [
            "SmartTV",
            "SMART-TV",
            "Smart TV",
            "SmartHub",
            "HbbTV",
            "AppleTV",
            "Apple TV",
            "tvOS",
            "GoogleTV",
            "Google TV",
            "Android TV",
            "BRAVIA",
            "Roku",
            "CrKey",
            "Chromecast",
            "Web0S",
            "NetCast",
            "NETTV",
            "VIDAA",
            "VIERA",
            "AQUOSBrowser",
            "Opera TV",
            " OMI/",
            "MiTV",
            "MIBOX",
            "; AFT",
            "TV Safari",
            "VIZIO",
            "InettvBrowser",
            "PlayStation",
            "Xbox; ",
            "Nintendo",
            "Apple Watch",
            "watchOS",
            "Watch OS",
            "Wear OS",
            "SM-R8",
            "SM-R9",
            "OculusBrowser",
            "Tesla/",
            "QtCarBrowser",
        ],
        StringComparison.OrdinalIgnoreCase
    );

    /// <summary>Tablets that name themselves, even where their user agent also says "Mobile".</summary>
    private static readonly SearchValues<string> TabletMarkers = SearchValues.Create(
        [
            "iPad",
            "Kindle",
            "Silk/",
            "PlayBook",
            "Kobo",
            "Nexus 7",
            "Nexus 9",
            "Nexus 10",
            "Pixel C ",
            "; SM-T",
            "; SM-X",
            "; SM-P",
            "; GT-P",
            "; Lenovo TB",
            "; KF",
            "MediaPad",
            "Galaxy Tab",
        ],
        StringComparison.OrdinalIgnoreCase
    );

    /// <summary>Phones, and the HTTP libraries of phone platforms.</summary>
    private static readonly SearchValues<string> MobileMarkers = SearchValues.Create(
        [
            "iPhone",
            "iPod",
            "Mobile",
            "Windows Phone",
            "IEMobile",
            "BlackBerry",
            "BB10",
            "Opera Mini",
            "Opera Mobi",
            "MIDP",
            "J2ME",
            "Symbian",
            "Series60",
            "UP.Browser",
            "UP.Link",
            "Nokia",
            "KAIOS",
            "UCWEB",
            "Dalvik/",
            "okhttp/",
            "(dart:io)",
            "CFNetwork/",
        ],
        StringComparison.OrdinalIgnoreCase
    );

    /// <summary>Desktop systems. "Linux" alone is too weak: televisions and Android say it as well.</summary>
    private static readonly SearchValues<string> DesktopMarkers = SearchValues.Create(
        [
            "Windows",
            "Win64",
            "Win32",
            "Win98",
            "Win95",
            "Macintosh",
            "Mac_PowerPC",
            "Mac OS X",
            "macOS",
            "X11",
            "CrOS",
            "Linux x86_64",
            "Linux i686",
            "Linux aarch64",
            "Ubuntu",
            "FreeBSD",
            "OpenBSD",
            "NetBSD",
            "Haiku",
            "AmigaOS",
        ],
        StringComparison.OrdinalIgnoreCase
    );

    /// <summary>Reads the client's kind from the headers of one request. Pure; accepts any content and length.</summary>
    /// <param name="userAgent">The <c>User-Agent</c> header, or null when there is none.</param>
    /// <param name="secChUaMobile">The <c>Sec-CH-UA-Mobile</c> client hint: <c>?1</c>, <c>?0</c> or null.</param>
    /// <param name="secChUaPlatform">The <c>Sec-CH-UA-Platform</c> client hint, a quoted string, or null.</param>
    public static ClientKind Classify(string? userAgent, string? secChUaMobile, string? secChUaPlatform)
    {
        var agent = userAgent.AsSpan().Trim();

        return new ClientKind(DeviceOf(agent, secChUaMobile, secChUaPlatform), IsBot(agent));
    }

    /// <summary>Looks at the user agent only: hints never clear a bot, because headless browsers send perfect ones.</summary>
    private static bool IsBot(ReadOnlySpan<char> agent) =>
        NamesNothing(agent)
        || StartsWithAny(agent, BotProducts)
        || agent.ContainsAny(BotMarkers)
        || NamesBot(agent)
        || (agent.ContainsAny(Addresses) && !StartsWithAny(agent, TerminalProducts))
        || CrawlerPatterns.Find(agent);

    private static bool NamesNothing(ReadOnlySpan<char> agent)
    {
        if (!agent.ContainsAny(Letters))
            return true;

        foreach (var product in EmptyProducts)
        {
            if (agent.Equals(product, StringComparison.OrdinalIgnoreCase))
                return true;
        }

        return false;
    }

    /// <summary>
    /// Finds a word that ends in "bot" or "bots": Googlebot, UptimeRobot, "(bot; …)". Cubot is a maker of phones.
    /// Each hit looks at a fixed number of neighbours, so hostile repetition stays linear.
    /// </summary>
    private static bool NamesBot(ReadOnlySpan<char> agent)
    {
        const string Bot = "bot";

        while (true)
        {
            var start = agent.IndexOf(Bot, StringComparison.OrdinalIgnoreCase);
            if (start < 0)
                return false;

            var rest = agent[(start + Bot.Length)..];
            if (EndsWord(rest) && !IsCubot(agent[..start]))
                return true;

            // The two letters before the next "bot" are kept in view, so that a Cubot after this hit is still recognised.
            agent = agent[(start + 1)..];
        }
    }

    private static bool EndsWord(ReadOnlySpan<char> rest) =>
        rest.IsEmpty || !char.IsAsciiLetter(rest[0]) || (rest[0] is 's' or 'S' && (rest.Length == 1 || !char.IsAsciiLetter(rest[1])));

    private static bool IsCubot(ReadOnlySpan<char> before) =>
        before.EndsWith("cu", StringComparison.OrdinalIgnoreCase) && (before.Length == 2 || !char.IsAsciiLetter(before[^3]));

    private static DeviceClass DeviceOf(ReadOnlySpan<char> agent, string? mobileHint, string? platformHint)
    {
        // An Android television sends the hints of a tablet, so the user agent is asked first.
        if (agent.ContainsAny(OtherMarkers))
            return DeviceClass.Other;

        return DeviceOfHints(mobileHint, platformHint) ?? DeviceOfAgent(agent);
    }

    /// <summary>The device the hints name, or null when they leave it open. Values are structured fields (RFC 8941), so the platform is quoted.</summary>
    private static DeviceClass? DeviceOfHints(string? mobileHint, string? platformHint)
    {
        var mobile = mobileHint.AsSpan().Trim();
        if (mobile.SequenceEqual("?1"))
            return DeviceClass.Mobile;

        if (!mobile.SequenceEqual("?0"))
            return null;

        var platform = platformHint.AsSpan().Trim().Trim('"');
        if (platform.Equals("Android", StringComparison.OrdinalIgnoreCase))
            return DeviceClass.Tablet;

        return
            platform.Equals("Windows", StringComparison.OrdinalIgnoreCase)
            || platform.Equals("macOS", StringComparison.OrdinalIgnoreCase)
            || platform.Equals("Linux", StringComparison.OrdinalIgnoreCase)
            || platform.Equals("Chrome OS", StringComparison.OrdinalIgnoreCase)
            || platform.Equals("Chromium OS", StringComparison.OrdinalIgnoreCase)
            ? DeviceClass.Desktop
            : null;
    }

    private static DeviceClass DeviceOfAgent(ReadOnlySpan<char> agent)
    {
        if (IsTablet(agent))
            return DeviceClass.Tablet;

        if (IsDesktopApp(agent) || StartsWithAny(agent, TerminalProducts))
            return DeviceClass.Desktop;

        if (agent.ContainsAny(MobileMarkers) || Has(agent, "Android"))
            return DeviceClass.Mobile;

        return agent.ContainsAny(DesktopMarkers) ? DeviceClass.Desktop : DeviceClass.Other;
    }

    private static bool IsTablet(ReadOnlySpan<char> agent)
    {
        if (agent.ContainsAny(TabletMarkers))
            return true;

        // Windows with pen support says "Tablet PC" on every desktop.
        if (Has(agent, "Tablet") && !Has(agent, "Tablet PC"))
            return true;

        // Only browsers that call themselves Mozilla follow Android's "Mobile" convention: apps and old Opera leave it out on phones too.
        if (Has(agent, "Android") && !Has(agent, "Mobile"))
            return agent.StartsWith("Mozilla/", StringComparison.OrdinalIgnoreCase);

        // An iPad poses as a Mac, but its embedded browser keeps the "Mobile/15E148" of iOS.
        return Has(agent, "Macintosh") && Has(agent, "Mobile/");
    }

    /// <summary>A CFNetwork app on an Intel Mac; iPhones never name a processor.</summary>
    private static bool IsDesktopApp(ReadOnlySpan<char> agent) =>
        Has(agent, "CFNetwork/") && (Has(agent, "x86_64") || Has(agent, "i386") || Has(agent, "Macintosh") || Has(agent, "macOS"));

    private static bool Has(ReadOnlySpan<char> agent, string marker) => agent.Contains(marker, StringComparison.OrdinalIgnoreCase);

    /// <summary>True when the user agent starts with one of the products as a whole word: "node" is Node.js, "NodeMaps" is an app.</summary>
    private static bool StartsWithAny(ReadOnlySpan<char> agent, string[] products)
    {
        foreach (var product in products)
        {
            if (agent.StartsWith(product, StringComparison.OrdinalIgnoreCase) && IsWholeWord(product, agent))
                return true;
        }

        return false;
    }

    private static bool IsWholeWord(string product, ReadOnlySpan<char> agent) =>
        agent.Length == product.Length || !char.IsAsciiLetter(product[^1]) || !char.IsAsciiLetter(agent[product.Length]);
}
