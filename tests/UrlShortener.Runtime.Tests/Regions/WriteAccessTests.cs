using Microsoft.Extensions.Logging;
using UrlShortener.Runtime.Regions;
using Xunit;

namespace UrlShortener.Runtime.Tests.Regions;

public sealed class WriteAccessTests
{
    private readonly RecordingLogger _logger = new();
    private readonly WriteAccess _access;

    public WriteAccessTests() => _access = new WriteAccess(_logger);

    [Fact]
    public void Demand_RegionTakesNoChanges_RefusesAndSaysWhichOneDoes()
    {
        _access.Demand();
        _access.Note(TestRegions.Standby);

        var error = Assert.Throws<ReadOnlyRegionException>(_access.Demand);

        Assert.Equal(TestRegions.Standby, error.Region);
        Assert.Contains("the region eu does", error.Message, StringComparison.Ordinal);
        Assert.True(_access is { IsReadOnly: true, IsStandby: true });
        _access.Note(TestRegions.Fenced);
        Assert.True(_access is { IsReadOnly: true, IsStandby: false });
    }

    [Fact]
    public void Note_SameStateManyTimes_IsLoggedOnce()
    {
        for (var i = 0; i < 5; i++)
            _access.Note(null);
        for (var i = 0; i < 5; i++)
            _access.Note(TestRegions.Standby with { Age = TimeSpan.FromSeconds(i) });
        for (var i = 0; i < 5; i++)
            _access.Note(TestRegions.Standby with { Writer = "ap", Epoch = 5 });
        for (var i = 0; i < 5; i++)
            _access.Note(null);
        for (var i = 0; i < 5; i++)
            _access.Note(TestRegions.Fenced);

        Assert.Equal([LogLevel.Information, LogLevel.Information, LogLevel.Information, LogLevel.Warning], _logger.Logged.Select(line => line.Level));
        Assert.Contains("region eu, epoch 4", _logger.Logged[0].Text, StringComparison.Ordinal);
        Assert.Contains("region ap, epoch 5", _logger.Logged[1].Text, StringComparison.Ordinal);
        Assert.Contains("takes changes again", _logger.Logged[2].Text, StringComparison.Ordinal);
        Assert.Contains("fenced", _logger.Logged[3].Text, StringComparison.Ordinal);
    }

    private sealed class RecordingLogger : ILogger<WriteAccess>
    {
        public List<(LogLevel Level, string Text)> Logged { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Logged.Add((logLevel, formatter(state, exception)));
    }
}
