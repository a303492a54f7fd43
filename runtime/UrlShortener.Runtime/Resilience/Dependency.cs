using Polly;
using Polly.CircuitBreaker;
using Polly.Timeout;
using Prometheus;

namespace UrlShortener.Runtime.Resilience;

/// <summary>
/// A remote server with a time limit for calls and a circuit breaker. After repeated failures the breaker opens: calls fail at once, and every
/// <see cref="DependencyOptions.BreakDuration"/> one call tries again.
/// </summary>
internal sealed class Dependency
{
    private static readonly Gauge Open = Metrics.CreateGauge("shortener_circuit_breaker_open", "1 while calls of a dependency fail at once.", "dependency");
    private static readonly Counter Opened = Metrics.CreateCounter("shortener_circuit_breaker_opened_total", "Times that a breaker opened.", "dependency");
    private static readonly Counter Failures = Metrics.CreateCounter(
        "shortener_dependency_failures_total",
        "Calls of a dependency that failed, by cause.",
        "dependency",
        "cause"
    );

    private readonly ResiliencePipeline _pipeline;
    private readonly Counter.Child _timeouts;
    private readonly Counter.Child _refusals;
    private readonly Counter.Child _errors;
    private readonly CircuitBreakerStateProvider _state = new();

    /// <param name="name">Its name in metrics. Several parts of one dependency may share it; then <c>open</c> counts the open ones.</param>
    /// <param name="options">Limits.</param>
    /// <param name="isFailure">Whether an exception indicates a failure of the server, not an error in the call.</param>
    /// <param name="time">The clock.</param>
    public Dependency(string name, DependencyOptions options, Func<Exception, bool> isFailure, TimeProvider time)
    {
        var open = Open.WithLabels(name);
        var opened = Opened.WithLabels(name);
        _timeouts = Failures.WithLabels(name, "timeout");
        _refusals = Failures.WithLabels(name, "open");
        _errors = Failures.WithLabels(name, "error");
        _pipeline = new ResiliencePipelineBuilder { TimeProvider = time }
            .AddCircuitBreaker(
                new CircuitBreakerStrategyOptions
                {
                    FailureRatio = 0.5,
                    MinimumThroughput = options.FailuresToOpen,
                    SamplingDuration = options.SamplingDuration,
                    BreakDuration = options.BreakDuration,
                    StateProvider = _state,
                    ShouldHandle = arguments =>
                        ValueTask.FromResult(
                            arguments.Outcome.Exception is { } error && (error is TimeoutRejectedException ? options.IsTimeoutFailure : isFailure(error))
                        ),
                    OnOpened = arguments =>
                    {
                        opened.Inc();
                        // A breaker that reopens from half open is still counted as open.
                        if (!_isOpen)
                            open.Inc();
                        _isOpen = true;
                        return default;
                    },
                    OnClosed = _ =>
                    {
                        if (_isOpen)
                            open.Dec();
                        _isOpen = false;
                        return default;
                    },
                }
            )
            .AddTimeout(new TimeoutStrategyOptions { Timeout = options.Timeout })
            .Build();
        Name = name;
    }

    // Written by the breaker's callbacks, which it calls one at a time.
    private volatile bool _isOpen;

    /// <summary>Its name in metrics.</summary>
    public string Name { get; }

    /// <summary>Whether calls fail at once.</summary>
    public bool IsOpen => _state.CircuitState is CircuitState.Open or CircuitState.Isolated;

    /// <summary>Calls the server.</summary>
    /// <param name="call">The call. It must stop when its token is cancelled.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    /// <exception cref="DependencyException">The server did not answer in time, or the breaker is open.</exception>
    public async ValueTask<T> CallAsync<T>(Func<CancellationToken, ValueTask<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await _pipeline.ExecuteAsync(call, cancellationToken);
        }
        catch (TimeoutRejectedException error)
        {
            _timeouts.Inc();
            throw new DependencyException($"{Name} did not answer within {error.Timeout.TotalMilliseconds:0} ms.", error) { IsTimeout = true };
        }
        catch (BrokenCircuitException error)
        {
            _refusals.Inc();
            throw new DependencyException($"{Name} has failed repeatedly; its breaker is open.", error);
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            _errors.Inc();
            throw;
        }
    }
}

/// <summary>Limits of a <see cref="Dependency"/>.</summary>
/// <param name="Timeout">Longest time of one call.</param>
/// <param name="BreakDuration">How long the breaker stays open before one call tries again.</param>
/// <param name="FailuresToOpen">The breaker opens after this many calls within <see cref="SamplingDuration"/>, half of them failed. At least 2.</param>
internal sealed record DependencyOptions(TimeSpan Timeout, TimeSpan BreakDuration, int FailuresToOpen)
{
    /// <summary>How far back failures are counted.</summary>
    public TimeSpan SamplingDuration { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether a timeout counts as a failure of the server. False where the caller determines how much a call has to do. Default true.</summary>
    public bool IsTimeoutFailure { get; init; } = true;
}

/// <summary>A dependency did not answer in time, or its breaker is open.</summary>
internal class DependencyException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Whether the call was made and ran out of time.</summary>
    public bool IsTimeout { get; init; }
}

/// <summary>A list, a search or statistics asked for more than the store reads within the limit for one query. Says nothing about the store's health.</summary>
internal sealed class QueryLimitException(string message, Exception? inner = null) : TimeoutException(message, inner);
