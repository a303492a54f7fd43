using ClickHouse.Driver;
using ClickHouse.Driver.ADO;
using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Storage.ClickHouse;

/// <summary>
/// The client of ClickHouse: of <c>ConnectionStrings:ClickHouse</c>, or of the file <c>ConnectionStrings:ClickHousePath</c>, which may be missing and may change.
/// </summary>
internal sealed partial class ClickHouseConnection(ConnectionOptions connections, HttpClient http, TimeProvider time, ILogger logger) : IDisposable
{
    private static readonly TimeSpan FileInterval = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private ClickHouseClient? _client;
    private string? _text;
    private string? _refused;
    private long _readAt;

    /// <summary>The client to use now. Calls that are under way keep theirs: they share the connections.</summary>
    /// <exception cref="IOException">There has been no usable file yet; the message names the setting and what is wrong.</exception>
    public ClickHouseClient Get()
    {
        lock (_lock)
        {
            if (connections.ClickHousePath is not { Length: > 0 } path)
                return _client ??= Create(connections.ClickHouse!);
            if (_readAt == 0 || time.GetElapsedTime(_readAt) >= FileInterval)
            {
                _readAt = time.GetTimestamp();
                Follow(path);
            }

            return _client ?? throw new IOException(_refused);
        }
    }

    /// <inheritdoc />
    public void Dispose() => _client?.Dispose();

    private void Follow(string path)
    {
        var (text, problem) = ConnectionFiles.Read(path);
        if (text is not null && text == _text)
            return;
        problem ??= ConnectionOptions.FindProblemOfClickHouse(text!);
        if (problem is null)
        {
            if (_client is not null)
                Log.Changed(logger);
            _client = Create(text!);
            (_text, _refused) = (text, null);
            return;
        }

        var message = $"ConnectionStrings:ClickHousePath: {path} {problem}";
        if (message != _refused && _client is not null)
            Log.Refused(logger, message);
        _refused = message;
    }

    private ClickHouseClient Create(string text) => new(new ClickHouseClientSettings(text) { HttpClient = http });

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "The connection string of ClickHouse has changed")]
        public static partial void Changed(ILogger logger);

        [LoggerMessage(2, LogLevel.Warning, "The former connection string of ClickHouse is used: {Problem}")]
        public static partial void Refused(ILogger logger, string problem);
    }
}
