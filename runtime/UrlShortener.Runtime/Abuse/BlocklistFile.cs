using System.Globalization;
using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Abuse;

/// <summary>
/// The blocklist in a file, kept up to date. The file is polled, not watched: a ConfigMap volume replaces a symlink two levels up, which file
/// notifications do not report, and network mounts send no notifications.
/// </summary>
/// <param name="path">The value of <see cref="PathSetting"/>; null or empty: the list is empty and nothing is polled.</param>
/// <param name="time">The clock of the poll interval.</param>
/// <param name="logger">The log.</param>
internal sealed class BlocklistFile(string? path, TimeProvider time, ILogger<BlocklistFile> logger) : BackgroundService
{
    /// <summary>The setting that holds the path.</summary>
    public const string PathSetting = "Abuse:BlocklistPath";

    private const int LoggedErrors = 5;

    // Written by StartAsync, then by the poll loop only; read by every request.
    private volatile Blocklist _current = Blocklist.Empty;

    // State of the poll loop: the version of the content in force, and whether the last attempt failed, so that a persistent failure is logged once.
    private (DateTime WriteTime, long Length) _stamp;
    private bool _isFailing;

    /// <summary>Time between two checks of the file.</summary>
    public static TimeSpan PollInterval { get; } = TimeSpan.FromSeconds(5);

    /// <summary>The list in force; empty before <see cref="StartAsync"/>.</summary>
    public Blocklist Current => _current;

    /// <summary>Loads the list, then starts to poll.</summary>
    /// <exception cref="ConfigurationException">The file is missing or cannot be read.</exception>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(path))
            return;

        try
        {
            Reload(path);
        }
        // NotSupportedException: the path is not a regular file.
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new ConfigurationException(
                $"The blocklist '{path}' cannot be read: {e.Message} Correct {PathSetting}, or remove it to run without a blocklist.",
                e
            );
        }

        await base.StartAsync(cancellationToken);
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(PollInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
                Poll();
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host is stopping.
        }
    }

    // Outermost loop: an error in one round must not end the polling.
    private void Poll()
    {
        try
        {
            Reload(path!);
            if (_isFailing)
            {
                _isFailing = false;
                Log.BlocklistReadable(logger, path!);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (_isFailing)
                return;
            _isFailing = true;
            Log.BlocklistUnreadable(logger, e, path!, PathSetting, _current.Count);
        }
        catch (Exception e)
        {
            Log.BlocklistPollFailed(logger, e, path!);
        }
    }

    // The stamp is read from the open file, which follows symlinks, and before the content: a file that is still being written has a different stamp
    // next time.
    private void Reload(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var stamp = (File.GetLastWriteTimeUtc(stream.SafeFileHandle), stream.Length);
        if (stamp == _stamp)
            return;

        using var reader = new StreamReader(stream);
        var parsed = Blocklist.Parse(reader);
        if (parsed.ErrorCount != 0)
        {
            var errors = parsed.Errors.Take(LoggedErrors).Select(error => string.Create(CultureInfo.InvariantCulture, $"line {error.Line}: {error.Reason}"));
            Log.BlocklistLinesSkipped(logger, file, parsed.ErrorCount, string.Join(" ", errors));
        }

        _stamp = stamp;
        _current = parsed.List;
        Log.BlocklistLoaded(logger, file, parsed.List.Count);
    }
}
