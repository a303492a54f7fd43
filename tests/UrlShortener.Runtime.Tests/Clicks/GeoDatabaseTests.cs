using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Configuration;
using Xunit;

namespace UrlShortener.Runtime.Tests.Clicks;

public sealed class GeoDatabaseTests : IDisposable
{
    private static readonly TimeSpan JustUnderTheInterval = GeoDatabase.CheckInterval - TimeSpan.FromMilliseconds(1);

    private readonly string _folder = Directory.CreateTempSubdirectory("geo-").FullName;
    private readonly FakeTimeProvider _time = new();
    private readonly RecordingLogger _logger = new();

    private string FilePath => Path.Combine(_folder, "geo.mmdb");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("192.0.2.1", "DE", "Berlin")]
    [InlineData("192.0.2.255", "DE", "Berlin")]
    [InlineData("198.51.100.7", "FR", null)]
    [InlineData("::ffff:192.0.2.1", "DE", "Berlin")]
    [InlineData("2001:db8::1", "JP", "Tokyo")]
    [InlineData("2001:db8:ffff::", "JP", "Tokyo")]
    [InlineData("192.0.3.0", null, null)]
    [InlineData("2001:db9::1", null, null)]
    [InlineData("::1", null, null)]
    [InlineData("127.0.0.1", null, null)]
    public void Find_NestedRecords_GivesPlace(string address, string? country, string? city)
    {
        new MmdbWriter()
            .Add("192.0.2.0/24", MmdbWriter.Nested("DE", "Berlin"))
            .Add("198.51.100.0/25", MmdbWriter.Nested("FR", null))
            .Add("2001:db8::/32", MmdbWriter.Nested("JP", "Tokyo"))
            .WriteTo(FilePath);
        using var database = Open();

        Assert.Equal(new Place(country, city), database.Find(IPAddress.Parse(address)));
    }

    [Theory]
    [InlineData("192.0.2.1", "DE", "Berlin")]
    [InlineData("198.51.100.7", "FR", null)]
    [InlineData("203.0.113.9", null, "Nowhere")]
    [InlineData("::ffff:192.0.2.1", "DE", "Berlin")]
    [InlineData("2001:db8::1", "JP", "Tokyo")]
    [InlineData("192.0.3.0", null, null)]
    public void Find_FlatRecords_GivesPlace(string address, string? country, string? city)
    {
        new MmdbWriter()
            .Add("192.0.2.0/24", MmdbWriter.Flat("DE", "Berlin"))
            .Add("198.51.100.0/25", MmdbWriter.Flat("FR", null))
            .Add("203.0.113.0/24", MmdbWriter.Flat(null, "Nowhere"))
            .Add("2001:db8::/32", MmdbWriter.Flat("JP", "Tokyo"))
            .WriteTo(FilePath);
        using var database = Open();

        Assert.Equal(new Place(country, city), database.Find(IPAddress.Parse(address)));
    }

    [Fact]
    public void Find_Ipv6AddressInIpv4File_IsUnknown()
    {
        // The first 32 bits of 2001:db8:: read as an IPv4 address are 32.1.13.184.
        new MmdbWriter(ipVersion: 4)
            .Add("32.1.0.0/16", MmdbWriter.Flat("US", "Columbus"))
            .WriteTo(FilePath);
        using var database = Open();

        Assert.Equal(default, database.Find(IPAddress.Parse("2001:db8::1")));
        Assert.Equal(new Place("US", "Columbus"), database.Find(IPAddress.Parse("32.1.13.184")));
        Assert.Equal(new Place("US", "Columbus"), database.Find(IPAddress.Parse("::ffff:32.1.13.184")));
    }

    [Theory]
    [InlineData("de", "DE")]
    [InlineData("ZZ", null)]
    [InlineData("-", null)]
    [InlineData("", null)]
    [InlineData("DEU", null)]
    [InlineData("É1", null)]
    public void Find_CountryCode_IsTwoUpperCaseLettersOrNull(string code, string? country)
    {
        new MmdbWriter().Add("192.0.2.0/24", MmdbWriter.Flat(code, null)).WriteTo(FilePath);
        using var database = Open();

        Assert.Equal(country, database.Find(IPAddress.Parse("192.0.2.1")).Country);
    }

    [Fact]
    public void Find_LongCityName_IsCutWithoutSplittingACharacter()
    {
        new MmdbWriter()
            .Add("192.0.2.0/25", MmdbWriter.Flat("TH", new string('x', 300)))
            .Add("192.0.2.128/25", MmdbWriter.Nested("TH", new string('x', 99) + "\U0001F3D9city"))
            .Add("198.51.100.0/24", MmdbWriter.Flat("TH", "  "))
            .Add("203.0.113.0/24", MmdbWriter.Flat("TH", " Phra Nakhon "))
            .WriteTo(FilePath);
        using var database = Open();

        Assert.Equal(new string('x', 100), database.Find(IPAddress.Parse("192.0.2.1")).City);
        Assert.Equal(new string('x', 99), database.Find(IPAddress.Parse("192.0.2.129")).City);
        Assert.Null(database.Find(IPAddress.Parse("198.51.100.1")).City);
        Assert.Equal("Phra Nakhon", database.Find(IPAddress.Parse("203.0.113.1")).City);
    }

    [Fact]
    public void Find_FieldsOfUnexpectedTypes_AreUnknown()
    {
        new MmdbWriter()
            .Add("192.0.2.0/24", new() { ["country"] = "DE", ["city"] = 7u })
            .Add(
                "198.51.100.0/24",
                new()
                {
                    ["country"] = new Dictionary<string, object> { ["iso_code"] = 7u },
                    ["city"] = new Dictionary<string, object>(),
                }
            )
            .Add("203.0.113.0/24", [])
            .WriteTo(FilePath);
        using var database = Open();

        Assert.Equal(default, database.Find(IPAddress.Parse("192.0.2.1")));
        Assert.Equal(default, database.Find(IPAddress.Parse("198.51.100.1")));
        Assert.Equal(default, database.Find(IPAddress.Parse("203.0.113.1")));
    }

    [Fact]
    public void Find_BrokenRecord_IsUnknownAndWarnsOnce()
    {
        var marker = "Berlin-Berlin";
        var bytes = new MmdbWriter().Add("192.0.2.0/24", MmdbWriter.Flat("DE", marker)).Add("198.51.100.0/24", MmdbWriter.Flat("FR", null)).ToArray();
        var text = bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(marker));
        // A string of 15 MB, in a file of a few kilobytes.
        bytes[text - 1] = (2 << 5) | 31;
        bytes.AsSpan(text, 3).Fill(0xFF);
        File.WriteAllBytes(FilePath, bytes);
        using var database = Open();

        Assert.Equal(default, database.Find(IPAddress.Parse("192.0.2.1")));
        Assert.Equal(default, database.Find(IPAddress.Parse("192.0.2.2")));
        Assert.Equal("FR", database.Find(IPAddress.Parse("198.51.100.1")).Country);
        Assert.Single(_logger.Warnings, warning => warning.Contains(FilePath, StringComparison.Ordinal));
    }

    [Fact]
    public void Find_FileReplaced_ReloadsAfterTheInterval()
    {
        Write("DE");
        using var database = Open();
        Write("FR", secondsLater: 5);

        _time.Advance(JustUnderTheInterval);
        Assert.Equal("DE", CountryIn(database));

        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal("FR", CountryIn(database));
        Assert.Empty(_logger.Warnings);
    }

    [Fact]
    public void Find_FileOfOtherLengthWithSameTime_Reloads()
    {
        Write("DE");
        var written = File.GetLastWriteTimeUtc(FilePath);
        using var database = Open();
        new MmdbWriter().Add("192.0.2.0/24", MmdbWriter.Nested("FR", "Paris")).WriteTo(FilePath);
        File.SetLastWriteTimeUtc(FilePath, written);

        _time.Advance(GeoDatabase.CheckInterval);

        Assert.Equal("FR", CountryIn(database));
    }

    [Fact]
    public void Find_FileUnchanged_IsNotLoadedAgain()
    {
        Write("DE");
        using var database = Open();

        _time.Advance(GeoDatabase.CheckInterval * 3);

        Assert.Equal("DE", CountryIn(database));
        Assert.Single(_logger.Entries);
    }

    [Fact]
    public void Find_SymbolicLinkMoved_ReloadsItsNewTarget()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Symbolic links need a privilege on Windows.");
        Write("DE");
        var link = Path.Combine(_folder, "link.mmdb");
        File.CreateSymbolicLink(link, FilePath);
        using var database = new GeoDatabase(link, _time, _logger);
        var next = Path.Combine(_folder, "next.mmdb");
        new MmdbWriter().Add("192.0.2.0/24", MmdbWriter.Nested("FR", "Paris")).WriteTo(next);
        File.Delete(link);
        File.CreateSymbolicLink(link, next);

        _time.Advance(GeoDatabase.CheckInterval);

        Assert.Equal("FR", CountryIn(database));
    }

    [Fact]
    public void Find_FileReplacedByABrokenOne_KeepsTheOldAndRecovers()
    {
        Write("DE");
        using var database = Open();

        File.WriteAllText(FilePath, "<html>Sign in to download</html>");
        _time.Advance(GeoDatabase.CheckInterval);
        Assert.Equal("DE", CountryIn(database));
        Assert.Contains(FilePath, Assert.Single(_logger.Warnings), StringComparison.Ordinal);

        Assert.Equal("DE", CountryIn(database));
        Assert.Single(_logger.Warnings);

        Write("FR", secondsLater: 5);
        _time.Advance(GeoDatabase.CheckInterval);
        Assert.Equal("FR", CountryIn(database));
    }

    [Fact]
    public void Find_FileRemoved_KeepsTheOldAndWarns()
    {
        Write("DE");
        using var database = Open();

        File.Delete(FilePath);
        _time.Advance(GeoDatabase.CheckInterval);

        Assert.Equal("DE", CountryIn(database));
        Assert.Single(_logger.Warnings);
    }

    [Fact]
    public async Task Find_ManyThreadsDuringReloads_AlwaysAnswers()
    {
        Write("DE");
        using var database = Open();
        using var stop = new CancellationTokenSource();
        var readers = Enumerable
            .Range(0, 4)
            .Select(_ =>
                Task.Run(
                    () =>
                    {
                        var found = new HashSet<string?>();
                        do found.Add(CountryIn(database));
                        while (!stop.IsCancellationRequested);

                        return found;
                    },
                    TestContext.Current.CancellationToken
                )
            )
            .ToArray();

        for (var i = 1; i <= 20; i++)
        {
            // Renamed into place, as a well-behaved updater does it.
            var next = Path.Combine(_folder, "next.mmdb");
            new MmdbWriter().Add("192.0.2.0/24", MmdbWriter.Flat(i % 2 == 0 ? "DE" : "FR", new string('x', i))).WriteTo(next);
            File.Move(next, FilePath, overwrite: true);
            _time.Advance(GeoDatabase.CheckInterval);
            CountryIn(database);
        }

        await stop.CancelAsync();
        var countries = (await Task.WhenAll(readers)).SelectMany(found => found);

        Assert.Subset(new HashSet<string?> { "DE", "FR" }, countries.ToHashSet());
        Assert.Empty(_logger.Warnings);
    }

    [Fact]
    public void Constructor_FileMissing_NamesSettingAndPath()
    {
        var thrown = Assert.Throws<ConfigurationException>(Open);

        Assert.Contains("Clicks:GeoDatabasePath", thrown.Message, StringComparison.Ordinal);
        Assert.Contains(FilePath, thrown.Message, StringComparison.Ordinal);
        Assert.IsType<FileNotFoundException>(thrown.InnerException);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(-1)]
    [InlineData(-40)]
    public void Constructor_FileCutShort_NamesSettingAndPath(int length)
    {
        var whole = new MmdbWriter().Add("192.0.2.0/24", MmdbWriter.Nested("DE", "Berlin")).ToArray();
        File.WriteAllBytes(FilePath, whole[..(length < 0 ? whole.Length + length : length)]);

        var thrown = Assert.Throws<ConfigurationException>(Open);

        Assert.Contains("Clicks:GeoDatabasePath", thrown.Message, StringComparison.Ordinal);
        Assert.Contains(FilePath, thrown.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Find_AfterDispose_Throws()
    {
        Write("DE");
        var database = Open();
        database.Dispose();

        Assert.Throws<ObjectDisposedException>(() => CountryIn(database));
    }

    private static string? CountryIn(GeoDatabase database) => database.Find(IPAddress.Parse("192.0.2.1")).Country;

    private GeoDatabase Open() => new(FilePath, _time, _logger);

    /// <summary>Writes a file of the same length whatever the country, so that only its time can tell it apart.</summary>
    private void Write(string country, int secondsLater = 0)
    {
        new MmdbWriter().Add("192.0.2.0/24", MmdbWriter.Flat(country, null)).WriteTo(FilePath);
        File.SetLastWriteTimeUtc(FilePath, new DateTime(2025, 1, 1, 0, 0, secondsLater, DateTimeKind.Utc));
    }

    private sealed class RecordingLogger : ILogger<GeoDatabase>
    {
        private readonly ConcurrentQueue<(LogLevel Level, string Message)> _entries = [];

        public IReadOnlyCollection<(LogLevel Level, string Message)> Entries => _entries;

        public IEnumerable<string> Warnings => _entries.Where(entry => entry.Level == LogLevel.Warning).Select(entry => entry.Message);

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            _entries.Enqueue((logLevel, formatter(state, exception)));
    }
}
