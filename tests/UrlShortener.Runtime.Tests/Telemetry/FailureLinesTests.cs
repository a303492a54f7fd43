using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Npgsql;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Storage;
using UrlShortener.Runtime.Telemetry;
using Xunit;

namespace UrlShortener.Runtime.Tests.Telemetry;

public sealed partial class FailureLinesTests
{
    private static readonly DependencyException Failure = new(
        "postgres failed",
        new NpgsqlException("Failed to connect to 127.0.0.1:5432\nand more", new IOException("Connection refused"))
    );

    [Fact]
    public void Describe_FailureWithCauses_IsOneLine()
    {
        Assert.Equal(
            "DependencyException: postgres failed < NpgsqlException: Failed to connect to 127.0.0.1:5432 and more < IOException: Connection refused",
            FailureLines.Describe(Failure)
        );
        Assert.Equal("IOException: a", FailureLines.Describe(new IOException("a", new InvalidOperationException("a"))));
        Assert.Equal(1_001, FailureLines.Describe(new IOException(new string('x', 5_000))).Length);
    }

    [Fact]
    public void IsOfDependency_ServersAndBugs_AreToldApart()
    {
        Assert.True(StoreFailure.IsOfDependency(Failure));
        Assert.True(StoreFailure.IsOfDependency(new InvalidOperationException("statistics", new HttpRequestException("refused"))));
        Assert.False(StoreFailure.IsOfDependency(new InvalidOperationException("a bug")));
        // The statement is wrong: the trace says which one.
        Assert.False(StoreFailure.IsOfDependency(new DependencyException("postgres failed", new PostgresException("syntax error", "ERROR", "ERROR", "42601"))));
    }

    [Fact]
    public void Log_FailureOfADependency_IsOneLineAndIsNotRepeated()
    {
        var time = new FakeTimeProvider();
        using var console = new Lines();
        using var lines = new FailureLines(console, StoreFailure.IsOfDependency, time);
        var logger = lines.CreateLogger("Store");

        for (var i = 0; i < 3; i++)
            Log.Failed(logger, "creates", Failure);
        Log.Failed(logger, "reads", new IOException("another"));
        time.Advance(FailureLines.Interval);
        Log.Failed(logger, "creates", Failure);
        Log.Failed(logger, "creates", new InvalidOperationException("a bug"));
        Log.Failed(logger, "creates", null);

        Assert.Equal(
            [
                $"creates failed: {FailureLines.Describe(Failure)}",
                "reads failed: IOException: another",
                $"creates failed: {FailureLines.Describe(Failure)} (2 such lines were left out since the last one)",
                "creates failed + InvalidOperationException",
                "creates failed",
            ],
            console.Written
        );
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "{What} failed")]
        public static partial void Failed(ILogger logger, string what, Exception? error);
    }

    private sealed class Lines : ILoggerProvider, ILogger
    {
        public List<string> Written { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Written.Add(formatter(state, exception) + (exception is null ? "" : $" + {exception.GetType().Name}"));

        public void Dispose() { }
    }
}
