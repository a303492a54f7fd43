using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using HdrHistogram;

namespace UrlShortener.Load.OpenModel;

/// <summary>
/// Sends requests when a schedule says so, whatever the server does, and measures each from the moment at which it was to be sent. A server that stalls
/// therefore shows in all requests that were due meanwhile (no coordinated omission). At most <paramref name="maxInFlight"/> wait for an answer; a request that
/// is due while as many do is dropped and counted, never sent later.
/// </summary>
internal sealed class OpenModelRunner(ArrivalSchedule schedule, int maxInFlight, TimeSpan requestLimit)
{
    /// <summary>How long a request may take unless a caller says otherwise.</summary>
    public static readonly TimeSpan DefaultRequestLimit = TimeSpan.FromSeconds(10);

    // A pause of the server makes many connections at once. If they stayed open for the minute that is usual, they would look like a leak of the server.
    private static readonly TimeSpan ConnectionIdleLimit = TimeSpan.FromSeconds(2);

    /// <summary>Sends all requests of the schedule and waits for their answers.</summary>
    public async Task<OpenModelResult> RunAsync(OperationMix mix, CancellationToken cancellationToken)
    {
        // Redirects are the answers under test. No headers but those of the requests: tracing would add some.
        using var client = new HttpMessageInvoker(
            new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                UseProxy = false,
                UseCookies = false,
                MaxConnectionsPerServer = maxInFlight,
                PooledConnectionIdleTimeout = ConnectionIdleLimit,
                ActivityHeadersPropagator = null,
            }
        );
        var run = new Run(client, mix, schedule, maxInFlight, requestLimit, cancellationToken);
        var cpuBefore = Environment.CpuUsage.TotalTime;
        var dispatcher = new Thread(run.Dispatch) { IsBackground = true, Name = "arrivals" };
        dispatcher.Start();
        var elapsed = await run.Ended;
        cancellationToken.ThrowIfCancellationRequested();
        return run.Summarize(elapsed, Environment.CpuUsage.TotalTime - cpuBefore);
    }

    private sealed class Run(
        HttpMessageInvoker client,
        OperationMix mix,
        ArrivalSchedule schedule,
        int maxInFlight,
        TimeSpan requestLimit,
        CancellationToken cancellationToken
    )
    {
        private static readonly TimeSpan LongestSleep = TimeSpan.FromMilliseconds(100);

        private readonly long _started = Stopwatch.GetTimestamp();
        private readonly TaskCompletionSource<TimeSpan> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        // By operation, then by stage. Many threads record.
        private readonly HistogramBase[][] _latencies = [.. mix.Operations.Select(_ => schedule.Stages.Select(_ => LatencySummary.NewHistogram()).ToArray())];
        private readonly ConcurrentDictionary<string, long>[] _errors =
        [
            .. mix.Operations.Select(_ => new ConcurrentDictionary<string, long>(StringComparer.Ordinal)),
        ];
        private readonly HistogramBase _sendDelay = LatencySummary.NewHistogram();

        // The dispatcher counts as one until it has ended, so that the run cannot end in a pause.
        private int _inFlight = 1;

        // These two are the dispatcher's.
        private int _mostInFlight;
        private long _dropped;

        /// <summary>The time from the start to the last answer.</summary>
        public Task<TimeSpan> Ended => _ended.Task;

        /// <summary>Starts each request at its time.</summary>
        public void Dispatch()
        {
            foreach (var arrival in schedule.Arrivals())
            {
                if (!SleepUntil(arrival.At))
                    break;
                var inFlight = Volatile.Read(ref _inFlight);
                if (inFlight > maxInFlight)
                {
                    _dropped++;
                    continue;
                }

                _mostInFlight = Math.Max(_mostInFlight, inFlight);
                Interlocked.Increment(ref _inFlight);
                ThreadPool.UnsafeQueueUserWorkItem(static work => _ = work.Run.SendAsync(work.Arrival), (Run: this, Arrival: arrival), preferLocal: false);
            }

            Leave();
        }

        public OpenModelResult Summarize(TimeSpan elapsed, TimeSpan cpu) =>
            new(
                schedule.Count,
                schedule.Duration.TotalSeconds,
                _dropped,
                Math.Max(elapsed.TotalSeconds, schedule.Duration.TotalSeconds),
                [.. mix.Operations.Select((operation, i) => new OperationResult(operation.Name, LatencySummary.Of(_latencies[i]), _errors[i]))],
                [
                    .. schedule.Stages.Select(
                        (stage, i) =>
                            new StageResult(
                                i + 1,
                                stage.Duration.TotalSeconds,
                                stage.Target,
                                schedule.CountOf(i),
                                LatencySummary.Of(_latencies.Select(stages => stages[i]))
                            )
                    ),
                ],
                LatencySummary.Of(_sendDelay),
                _mostInFlight,
                cpu.TotalSeconds
            );

        /// <summary>False when the run was cancelled.</summary>
        private bool SleepUntil(TimeSpan at)
        {
            while (true)
            {
                if (cancellationToken.IsCancellationRequested)
                    return false;
                var missing = at - Stopwatch.GetElapsedTime(_started);
                if (missing <= TimeSpan.Zero)
                    return true;
                var until = missing < LongestSleep ? at : at - missing + LongestSleep;
                PreciseSleep.Until(_started + (long)(until.TotalSeconds * Stopwatch.Frequency));
            }
        }

        private async Task SendAsync(Arrival arrival)
        {
            var (operation, seed) = mix.Choose(arrival.Number);
            try
            {
                LatencySummary.Record(_sendDelay, Stopwatch.GetElapsedTime(_started) - arrival.At);
                if (await FindErrorAsync(mix.Operations[operation], seed) is { } error)
                    _errors[operation].AddOrUpdate(error, 1, static (_, count) => count + 1);
                else
                    LatencySummary.Record(_latencies[operation][arrival.Stage], Stopwatch.GetElapsedTime(_started) - arrival.At);
            }
            finally
            {
                Leave();
            }
        }

        /// <summary>Null for the right answer.</summary>
        private async Task<string?> FindErrorAsync(Operation operation, ulong seed)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            limit.CancelAfter(requestLimit);
            try
            {
                using var request = operation.Build(seed);
                using var response = await client.SendAsync(request, limit.Token);
                await response.Content.CopyToAsync(Stream.Null, limit.Token);
                return response.StatusCode == operation.Expected ? null : $"status {(int)response.StatusCode}";
            }
            catch (OperationCanceledException)
            {
                return "no answer in time";
            }
            catch (HttpRequestException e)
            {
                return (e.InnerException as SocketException)?.SocketErrorCode.ToString() ?? e.HttpRequestError.ToString();
            }
            catch (IOException)
            {
                return "answer cut off";
            }
        }

        private void Leave()
        {
            if (Interlocked.Decrement(ref _inFlight) == 0)
                _ended.TrySetResult(Stopwatch.GetElapsedTime(_started));
        }
    }
}
