using System.Collections.Concurrent;
using System.Globalization;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Telemetry;

/// <summary>
/// Writes the failure of a dependency as one line: what failed, and the messages of the exception and those that caused it. Their stack traces say nothing about
/// a server that is away, and take kilobytes. Lines that repeat within 10 s are left out, and the next one says how many. Other exceptions, which are bugs, keep
/// their stack traces.
/// </summary>
/// <param name="console">Writes the lines.</param>
/// <param name="isOfDependency">Whether an exception tells of a server, the network or a disk.</param>
/// <param name="time">The clock.</param>
// Settings of the console's levels hold for this one, too.
[ProviderAlias("Console")]
internal sealed class FailureLines(ILoggerProvider console, Func<Exception, bool> isOfDependency, TimeProvider time) : ILoggerProvider, ISupportExternalScope
{
    private readonly Func<Exception, bool> _isOfDependency = isOfDependency;
    private readonly ConcurrentDictionary<(string Category, int Event, string Cause), Occasion> _lines = new();

    /// <summary>Time within which a line is not repeated.</summary>
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private const int MaxLength = 1_000;

    // More different ones at a time are not told apart: the count begins anew.
    private const int MaxLines = 1_000;

    /// <inheritdoc />
    public ILogger CreateLogger(string categoryName) => new Logger(this, console.CreateLogger(categoryName), categoryName);

    /// <inheritdoc />
    public void SetScopeProvider(IExternalScopeProvider scopeProvider) => (console as ISupportExternalScope)?.SetScopeProvider(scopeProvider);

    /// <inheritdoc />
    public void Dispose() => console.Dispose();

    /// <summary>The messages of an exception and its causes, in one line of at most 1,000 characters.</summary>
    public static string Describe(Exception error)
    {
        var causes = new List<string>();
        for (var cause = error; cause is not null; cause = cause.InnerException)
        {
            var text = string.Join(' ', cause.Message.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
            // Wrappers often repeat what they wrap.
            if (causes.Count == 0 || !causes[^1].Contains(text, StringComparison.Ordinal))
                causes.Add($"{cause.GetType().Name}: {text}");
        }

        var line = string.Join(" < ", causes);
        return line.Length <= MaxLength ? line : line[..MaxLength] + "…";
    }

    private bool TryPass(string category, EventId id, string cause, out long left)
    {
        if (_lines.Count >= MaxLines)
            _lines.Clear();
        var passes = _lines.GetOrAdd((category, id.Id, cause), _ => new Occasion(time, Interval)).TryPass(out var count);
        left = count - 1;
        return passes;
    }

    private sealed class Logger(FailureLines owner, ILogger inner, string category) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => inner.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (exception is null || !owner._isOfDependency(exception))
            {
                inner.Log(logLevel, eventId, state, exception, formatter);
                return;
            }

            var cause = Describe(exception);
            if (!inner.IsEnabled(logLevel) || !owner.TryPass(category, eventId, cause, out var left))
                return;
            var more = left == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $" ({left} such lines were left out since the last one)");
            inner.Log(logLevel, eventId, state, null, (told, _) => $"{formatter(told, exception)}: {cause}{more}");
        }
    }
}
