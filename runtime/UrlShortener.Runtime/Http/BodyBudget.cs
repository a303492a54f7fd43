using System.Runtime.InteropServices;
using Prometheus;
using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Http;

/// <summary>
/// Limits the memory that request bodies use at the same time, per caller and in total. Memory is taken when bytes arrive, not when they are announced,
/// and held until the answer is sent, because processing a body takes as much memory again.
/// </summary>
internal sealed class BodyBudget(BodyOptions options)
{
    /// <summary>A body above this size counts as large. A request for a single link is smaller.</summary>
    public const int LargeBody = 128 * 1024;

    private static readonly Gauge Bytes = Metrics.CreateGauge("shortener_body_bytes", "Bytes of request bodies in memory.");
    private static readonly Counter Refusals = Metrics.CreateCounter(
        "shortener_body_refusals_total",
        "Request bodies refused for want of room, by whose limit.",
        "limit"
    );

    private static readonly Counter.Child RefusedToCaller = Refusals.WithLabels("caller");
    private static readonly Counter.Child RefusedToAll = Refusals.WithLabels("all");

    private readonly Lock _lock = new();
    private readonly Dictionary<string, long> _callers = new(StringComparer.Ordinal);
    private long _bytes;

    /// <summary>Largest body.</summary>
    public long MaxBody => options.MaxBytesPerCaller;

    /// <summary>Time in which a body must arrive.</summary>
    public TimeSpan Timeout => options.Timeout;

    /// <summary>Opens the lease for a body of a caller. Dispose returns what the lease took.</summary>
    public BodyLease Open(string caller) => new(this, caller);

    private Problem? TryTake(string caller, long held, int bytes)
    {
        // Leaves room for requests for single links while large bodies wait.
        var limit = held + bytes > LargeBody ? options.MaxBytes / 4 * 3 : options.MaxBytes;
        lock (_lock)
        {
            ref var own = ref CollectionsMarshal.GetValueRefOrAddDefault(_callers, caller, out _);
            if (own + bytes > options.MaxBytesPerCaller)
            {
                RefusedToCaller.Inc();
                return Problem.Of(
                    StatusCodes.Status429TooManyRequests,
                    ErrorCode.RateLimitExceeded,
                    $"Your requests under way hold {options.MaxBytesPerCaller} bytes of bodies (Bodies:MaxBytesPerCaller). Wait for their answers, or "
                        + "send smaller ones."
                ) with
                {
                    RetryAfter = 1,
                };
            }

            if (_bytes + bytes > limit)
            {
                if (own == 0)
                    _callers.Remove(caller);
                RefusedToAll.Inc();
                return Problem.Of(
                    StatusCodes.Status503ServiceUnavailable,
                    ErrorCode.Unavailable,
                    "The service has no room for another request body right now (Bodies:MaxBytes). Try again in a moment, or send a smaller one."
                ) with
                {
                    RetryAfter = 1,
                };
            }

            own += bytes;
            _bytes += bytes;
            Bytes.Set(_bytes);
            return null;
        }
    }

    private void Return(string caller, long bytes)
    {
        lock (_lock)
        {
            _bytes -= bytes;
            Bytes.Set(_bytes);
            if ((_callers[caller] -= bytes) == 0)
                _callers.Remove(caller);
        }
    }

    /// <summary>The bytes that one body holds. Used by a single request.</summary>
    internal sealed class BodyLease(BodyBudget budget, string caller) : IDisposable
    {
        private long _held;

        /// <summary>The budget that the bytes come from.</summary>
        public BodyBudget Budget => budget;

        /// <summary>Takes bytes; returns the answer to the request when none are available.</summary>
        public Problem? TryTake(int bytes)
        {
            var problem = budget.TryTake(caller, _held, bytes);
            _held += problem is null ? bytes : 0;
            return problem;
        }

        /// <inheritdoc />
        public void Dispose()
        {
            if (_held > 0)
                budget.Return(caller, _held);
            _held = 0;
        }
    }
}
