using System.Net;
using System.Net.Sockets;
using MaxMind.Db;
using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Clicks;

/// <summary>
/// Finds the country and city of an address in a MaxMind-format file held in memory, and follows the file when it is replaced.
/// All members may be called from any thread.
/// </summary>
internal sealed class GeoDatabase : IDisposable
{
    /// <summary>Longest city name handed out, in UTF-16 characters; the width of the stored column.</summary>
    public const int MaxCityLength = 100;

    /// <summary>Shortest time between two looks at the file.</summary>
    public static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(60);

    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly ILogger<GeoDatabase> _logger;

    /// <summary>Timestamp of the last look at the file. The thread that moves it forward is the only one that looks.</summary>
    private long _checkedAt;

    /// <summary>
    /// Replaced whole, never changed. The file before is left to the garbage collector: another thread may still be reading it,
    /// and it owns nothing but memory.
    /// </summary>
    private volatile LoadedFile _file;

    private volatile bool _disposed;

    /// <summary>Loads the file.</summary>
    /// <param name="path">Path of the file, from <c>Clicks:GeoDatabasePath</c>.</param>
    /// <param name="time">Clock for the interval between checks of the file.</param>
    /// <param name="logger">Receives loads and failures.</param>
    /// <exception cref="ConfigurationException">The file is missing, unreadable or not a MaxMind-format database.</exception>
    public GeoDatabase(string path, TimeProvider time, ILogger<GeoDatabase> logger)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        _path = path;
        _time = time;
        _logger = logger;
        _checkedAt = time.GetTimestamp();

        try
        {
            using var stream = Open(path);
            _file = Load(stream, StampOf(stream));
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The file may contain arbitrary bytes, and the reader documents no exception type.
            throw new ConfigurationException($"Clicks:GeoDatabasePath names {path}, which cannot be read as a MaxMind-format database: {e.Message}", e);
        }
    }

    /// <summary>
    /// Finds where an address is; default when the file does not know. At most once a minute the calling thread also looks at the
    /// file and loads it when it changed, so call this in the background, not on the redirect path.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The database was disposed.</exception>
    public Place Find(IPAddress address)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ReloadIfChanged();

        var file = _file;
        var target = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

        // The reader would walk an IPv4 tree with the first 32 bits of an IPv6 address and answer for somewhere else.
        if (target.AddressFamily == AddressFamily.InterNetworkV6 && file.Reader.Metadata.IPVersion == 4)
            return default;

        try
        {
            return PlaceOf(file.Reader.Find<Dictionary<string, object>>(target));
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // One corrupt record must not stop the writer that asked; the rest of the file may be sound.
            if (file.TryReportBroken())
                Log.GeoDatabaseRecordBroken(_logger, _path, e);

            return default;
        }
    }

    /// <summary>Ends lookups and releases the loaded file.</summary>
    public void Dispose()
    {
        _disposed = true;
        _file.Reader.Dispose();
    }

    private void ReloadIfChanged()
    {
        var checkedAt = Volatile.Read(ref _checkedAt);
        var now = _time.GetTimestamp();
        if (_time.GetElapsedTime(checkedAt, now) < CheckInterval || Interlocked.CompareExchange(ref _checkedAt, now, checkedAt) != checkedAt)
            return;

        try
        {
            using var stream = Open(_path);
            var stamp = StampOf(stream);
            if (stamp != _file.Stamp)
                _file = Load(stream, stamp);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            // The old stamp stays, so the next look tries again: the failure may have been the disk's and not the file's.
            Log.GeoDatabaseReloadFailed(_logger, _path, e);
        }
    }

    private LoadedFile Load(FileStream stream, FileStamp stamp)
    {
        var reader = new Reader(stream);

        // A header alone proves little; one lookup walks the tree and decodes a record where there is one.
        _ = reader.Find<Dictionary<string, object>>(IPAddress.Parse("1.1.1.1"));
        Log.GeoDatabaseLoaded(_logger, _path, reader.Metadata.DatabaseType, reader.Metadata.BuildDate, stamp.Length);

        return new LoadedFile(reader, stamp);
    }

    /// <summary>Opened so that another process may replace or delete the file meanwhile.</summary>
    private static FileStream Open(string path) => new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);

    /// <summary>Asks the open handle, so that the stamp is of the bytes about to be read and, behind a symbolic link, of its target.</summary>
    private static FileStamp StampOf(FileStream stream) => new(File.GetLastWriteTimeUtc(stream.SafeFileHandle), stream.Length);

    /// <summary>
    /// Reads either record shape: nested as GeoLite2 has it (<c>country.iso_code</c>, <c>city.names.en</c>), or flat as
    /// ip-location-db has it (<c>country_code</c>, <c>city</c>).
    /// </summary>
    private static Place PlaceOf(Dictionary<string, object>? record)
    {
        if (record is null)
            return default;

        var country = record.GetValueOrDefault("country") is Dictionary<string, object> nestedCountry
            ? nestedCountry.GetValueOrDefault("iso_code")
            : record.GetValueOrDefault("country_code");
        var city = record.GetValueOrDefault("city") is Dictionary<string, object> nestedCity
            ? (nestedCity.GetValueOrDefault("names") as Dictionary<string, object>)?.GetValueOrDefault("en")
            : record.GetValueOrDefault("city");

        return new Place(Country.Read(country as string), CityOf(city as string));
    }

    private static string? CityOf(string? name)
    {
        var city = name.AsSpan().Trim();
        if (city.IsEmpty)
            return null;

        if (city.Length > MaxCityLength)
        {
            // Half a surrogate pair cannot be stored as UTF-8.
            var end = char.IsHighSurrogate(city[MaxCityLength - 1]) ? MaxCityLength - 1 : MaxCityLength;
            city = city[..end].TrimEnd();
        }

        return city.Length == name!.Length ? name : city.ToString();
    }

    /// <summary>What tells one version of the file from the next.</summary>
    private readonly record struct FileStamp(DateTime WrittenUtc, long Length);

    /// <summary>One version of the file, in memory.</summary>
    private sealed class LoadedFile(Reader reader, FileStamp stamp)
    {
        private int _reportedBroken;

        public Reader Reader { get; } = reader;

        public FileStamp Stamp { get; } = stamp;

        /// <summary>True the first time only, so that a damaged file does not flood the log.</summary>
        public bool TryReportBroken() => Interlocked.Exchange(ref _reportedBroken, 1) == 0;
    }
}
