using FsCheck.Xunit;
using UrlShortener.Runtime.Clicks;
using Xunit;

namespace UrlShortener.Runtime.Tests.Clicks;

public sealed class ClientKindsTests
{
    private const string Chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36";

    /// <summary>Real user agents with what they are; the format is in the first line of the file.</summary>
    public static TheoryData<string, bool, string?, string?, string> RealUserAgents()
    {
        var rows = new TheoryData<string, bool, string?, string?, string>();
        using var stream = typeof(ClientKindsTests).Assembly.GetManifestResourceStream("UserAgents.tsv")!;
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (line.StartsWith('#'))
                continue;

            var fields = line.Split('\t');
            Assert.Equal(5, fields.Length);
            Assert.True(fields[1] is "bot" or "person", line);
            rows.Add(fields[0], fields[1] == "bot", NullIfEmpty(fields[2]), NullIfEmpty(fields[3]), fields[4]);
        }

        return rows;
    }

    [Theory]
    [MemberData(nameof(RealUserAgents))]
    public void Classify_RealUserAgent_IsAsListed(string device, bool isBot, string? mobileHint, string? platformHint, string userAgent)
    {
        var kind = ClientKinds.Classify(userAgent, mobileHint, platformHint);

        Assert.Equal(new ClientKind(Enum.Parse<DeviceClass>(device), isBot), kind);
    }

    [Fact]
    public void Classify_ExampleOfTheMaintainedList_IsBotUnlessItsPatternIsNotApplied()
    {
        var exceptions = ReadLines("not-crawlers.txt").ToHashSet(StringComparer.Ordinal);
        var examples = ReadLines("CrawlerExamples.tsv").Select(line => line.Split('\t')).Where(fields => !exceptions.Contains(fields[0])).ToList();

        var missed = examples.Where(fields => !ClientKinds.Classify(fields[1], null, null).IsBot).Select(fields => string.Join(": ", fields));

        Assert.True(examples.Count > 2_000);
        Assert.Empty(missed);
    }

    [Fact]
    public void NotCrawlers_EachLine_IsAPatternOfTheList()
    {
        using var stream = typeof(ClientKinds).Assembly.GetManifestResourceStream("Crawlers.patterns.txt")!;
        using var reader = new StreamReader(stream);
        var patterns = reader.ReadToEnd().Split('\n');

        // One that a newer list spells differently would count people as bots again.
        Assert.All(ReadLines("not-crawlers.txt"), pattern => Assert.Contains(pattern, patterns));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("   ")]
    public void Classify_NoUserAgent_IsBot(string? userAgent)
    {
        Assert.Equal(new ClientKind(DeviceClass.Other, IsBot: true), ClientKinds.Classify(userAgent, null, null));
        Assert.Equal(new ClientKind(DeviceClass.Desktop, IsBot: true), ClientKinds.Classify(userAgent, "?0", "\"Windows\""));
    }

    [Theory]
    [InlineData("Cubot", false)]
    [InlineData("xCUBOT", true)]
    [InlineData("CUBOT Googlebot", true)]
    [InlineData("CUBOT; CUBOT_X", false)]
    [InlineData("botbot", true)]
    [InlineData("Botim", false)]
    [InlineData("Abbott", false)]
    [InlineData("see /robots.txt", true)]
    public void Classify_WordWithBot_IsBotOnlyAtItsEnd(string userAgent, bool isBot) => Assert.Equal(isBot, ClientKinds.Classify(userAgent, null, null).IsBot);

    [Theory]
    [InlineData("NodeMaps/3.1 CFNetwork/1404.0.5 Darwin/22.3.0")]
    [InlineData("Springboard/2 CFNetwork/1404.0.5 Darwin/22.3.0")]
    public void Classify_AppNamedLikeALibrary_IsPerson(string userAgent) =>
        Assert.Equal(new ClientKind(DeviceClass.Mobile, IsBot: false), ClientKinds.Classify(userAgent, null, null));

    [Fact]
    public void Classify_MixedCase_IsTheSame() =>
        Assert.Equal(ClientKinds.Classify(Chrome, "?0", "\"Windows\""), ClientKinds.Classify(Chrome.ToUpperInvariant(), "?0", "\"WINDOWS\""));

    [Property(MaxTest = 2000)]
    public void Classify_AnyStrings_NeverThrows(string? userAgent, string? mobileHint, string? platformHint) =>
        Assert.True(Enum.IsDefined(ClientKinds.Classify(userAgent, mobileHint, platformHint).Device));

    [Property(MaxTest = 500)]
    public void Classify_BotByUserAgent_StaysBotWhateverTheHints(string? mobileHint, string? platformHint) =>
        Assert.True(ClientKinds.Classify("Googlebot/2.1", mobileHint, platformHint).IsBot);

    /// <summary>Near misses of every kind of rule, long enough that anything worse than linear would take minutes.</summary>
    [Theory]
    [InlineData("bot")]
    [InlineData("cubot")]
    [InlineData("cubot ")]
    [InlineData("spide")]
    [InlineData("+htt")]
    [InlineData("Google-")]
    [InlineData("healthchec")]
    [InlineData("Mobil")]
    [InlineData("\uD800")]
    [InlineData("\0")]
    [InlineData("K\u0130")]
    public void Classify_FourMillionHostileCharacters_Finishes(string unit)
    {
        var hostile = string.Concat(Enumerable.Repeat(unit, 4_000_000 / unit.Length)) + "x";

        Assert.True(Enum.IsDefined(ClientKinds.Classify(hostile, hostile, hostile).Device));
    }

    [Fact]
    public void Classify_AnyInput_AllocatesNothing()
    {
        var hostile = string.Concat(Enumerable.Repeat("Cubot; bo", 900));
        var bots = 0;
        RunAll();
        var before = GC.GetAllocatedBytesForCurrentThread();

        RunAll();

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.NotEqual(0, bots);

        void RunAll()
        {
            for (var i = 0; i < 100; i++)
            {
                bots += ClientKinds.Classify(Chrome, "?0", "\"Windows\"").IsBot ? 1 : 0;
                bots += ClientKinds.Classify(Chrome, null, null).IsBot ? 1 : 0;
                bots += ClientKinds.Classify("Slackbot 1.0 (+https://api.slack.com/robots)", null, null).IsBot ? 1 : 0;
                bots += ClientKinds.Classify(hostile, hostile, hostile).IsBot ? 1 : 0;
                bots += ClientKinds.Classify(null, null, null).IsBot ? 1 : 0;
            }
        }
    }

    private static IEnumerable<string> ReadLines(string name)
    {
        using var stream = typeof(ClientKindsTests).Assembly.GetManifestResourceStream(name)!;
        using var reader = new StreamReader(stream);
        while (reader.ReadLine() is { } line)
        {
            if (line.Length > 0 && line[0] != '#')
                yield return line;
        }
    }

    private static string? NullIfEmpty(string field) => field.Length == 0 ? null : field;
}
