using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Regions;

/// <summary>
/// Work that a process repeats while its region takes changes. A round that fails is followed by the next one; the first failure of several in a row is logged.
/// </summary>
/// <param name="interval">How long after a round has begun the next one begins. A round that takes longer is followed by the next one at once.</param>
/// <param name="access">Whether the region takes changes.</param>
/// <param name="time">The clock.</param>
internal abstract class RepeatedWork(TimeSpan interval, WriteAccess access, TimeProvider time) : BackgroundService
{
    /// <summary>Whether the region takes changes.</summary>
    protected WriteAccess Access => access;

    /// <summary>The clock.</summary>
    protected TimeProvider Time => time;

    /// <summary>Whether the first round begins with the process, and not after the interval. Default false.</summary>
    protected virtual bool BeginsAtOnce => false;

    /// <summary>Does what is to be done now.</summary>
    protected abstract Task RunAsync(CancellationToken cancellationToken);

    /// <summary>Logs why a round failed.</summary>
    protected abstract void LogFailure(Exception error);

    /// <summary>Called in place of a round while the region takes no changes: another region does the work.</summary>
    protected virtual void Rest() { }

    /// <inheritdoc />
    protected sealed override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(interval, time);
        var isFailing = false;
        for (var isDue = BeginsAtOnce || await timer.WaitForNextTickAsync(stoppingToken); isDue; isDue = await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (access.IsReadOnly)
            {
                Rest();
                continue;
            }

            try
            {
                await RunAsync(stoppingToken);
                isFailing = false;
            }
            catch (Exception error) when (!error.IsStopBy(stoppingToken))
            {
                if (!isFailing)
                    LogFailure(error);
                isFailing = true;
            }
        }
    }
}
