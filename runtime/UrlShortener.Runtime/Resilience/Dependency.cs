using Polly;
using Polly.CircuitBreaker;
using Polly.Timeout;
using Prometheus;

namespace UrlShortener.Runtime.Resilience;

/// <summary>
/// A remote server that calls may wait for so long and no longer. After repeated failures its breaker opens: calls fail at once, and every
/// <see cref="DependencyOptions.BreakDuration"/> one of them tries again.
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
    private readonly CircuitBreakerStateProvider _state = new();

    /// <param name="name">Its name in metrics. Several parts of one dependency may share it; then <c>open</c> counts the open ones.</param>
    /// <param name="options">Limits.</param>
    /// <param name="isFailure">Whether an exception speaks against the server rather than against the call.</param>
    /// <param name="time">The clock.</param>
    public Dependency(string name, DependencyOptions options, Func<Exception, bool> isFailure, TimeProvider time)
    {
        var open = Open.WithLabels(name);
        var opened = Opened.WithLabels(name);
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
                        // From half open it was open all along.
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
    /// <param name="call">Honours its token, at which it gives up.</param>
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
            Failures.WithLabels(Name, "timeout").Inc();
            throw new DependencyException($"{Name} did not answer within {error.Timeout.TotalMilliseconds:0} ms.", error) { IsTimeout = true };
        }
        catch (BrokenCircuitException error)
        {
            Failures.WithLabels(Name, "open").Inc();
            throw new DependencyException($"{Name} has failed repeatedly; its breaker is open.", error);
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            Failures.WithLabels(Name, "error").Inc();
            throw;
        }
    }
}

/// <summary>Limits of a <see cref="Dependency"/>.</summary>
/// <param name="Timeout">Longest time of one call.</param>
/// <param name="BreakDuration">How long the breaker stays open before one call tries again.</param>
/// <param name="FailuresToOpen">Calls, half of them failed, within <see cref="SamplingDuration"/> after which it opens. At least 2.</param>
internal sealed record DependencyOptions(TimeSpan Timeout, TimeSpan BreakDuration, int FailuresToOpen)
{
    /// <summary>How far back failures count.</summary>
    public TimeSpan SamplingDuration { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Whether a call that runs out of time speaks against the server. Not so where callers decide how much a call asks for. Default true.</summary>
    public bool IsTimeoutFailure { get; init; } = true;
}

/// <summary>A dependency did not answer in time, or is left alone.</summary>
internal sealed class DependencyException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Whether the call was made and ran out of time.</summary>
    public bool IsTimeout { get; init; }
}

/// <summary>A list, a search or statistics asked for more than the store reads within the limit for one query. Says nothing about the store's health.</summary>
internal sealed class QueryLimitException(string message, Exception? inner = null) : TimeoutException(message, inner);
