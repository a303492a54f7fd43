using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace UrlShortener.ControllerRuntime.Tests;

/// <summary>A log that remembers the names of its events.</summary>
internal sealed class TestLog<T> : ILogger<T>
{
    private readonly ConcurrentQueue<string> _events = new();

    /// <summary>How often an event was logged.</summary>
    public int Count(string name) => _events.Count(one => one == name);

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _events.Enqueue(eventId.Name ?? "");
}
