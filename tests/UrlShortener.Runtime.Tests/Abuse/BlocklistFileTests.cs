using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using UrlShortener.Runtime.Abuse;
using UrlShortener.Runtime.Configuration;
using Xunit;

namespace UrlShortener.Runtime.Tests.Abuse;

public sealed class BlocklistFileTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("blocklist");
    private readonly FakeTimeProvider _time = new();
    private readonly ListLogger _log = new();

    public void Dispose() => _folder.Delete(recursive: true);

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    public async Task StartAsync_NoPath_IsEmptyAndDoesNotPoll(string? path)
    {
        using var file = new BlocklistFile(path, _time, _log);
        await file.StartAsync(TestContext.Current.CancellationToken);

        Assert.Same(Blocklist.Empty, file.Current);
        Assert.Null(file.ExecuteTask);
        await file.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task StartAsync_MissingFile_NamesSettingAndPath()
    {
        var path = Path.Combine(_folder.FullName, "absent.txt");
        using var file = new BlocklistFile(path, _time, _log);

        var error = await Assert.ThrowsAsync<ConfigurationException>(() => file.StartAsync(TestContext.Current.CancellationToken));

        Assert.Contains("Abuse:BlocklistPath", error.Message, StringComparison.Ordinal);
        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Poll_FileChanged_PutsTheNewListInForce()
    {
        var path = Write("list.txt", "evil.com\n");
        using var file = await StartAsync(path);
        Assert.True(file.Current.Blocks("evil.com", "https://evil.com/"));

        var before = file.Current;
        Write("list.txt", "worse.com\nnot a host\n");
        await AdvanceUntil(() => file.Current != before);

        var list = file.Current;
        Assert.True(list.Blocks("worse.com", "https://worse.com/"));
        Assert.False(list.Blocks("evil.com", "https://evil.com/"));
        Assert.Contains(_log.Lines, line => line.Level == LogLevel.Warning && line.Text.Contains("line 2: ", StringComparison.Ordinal));
        await file.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Poll_FileMissing_KeepsTheListAndWarnsOnce()
    {
        var path = Write("list.txt", "evil.com\n");
        using var file = await StartAsync(path);

        File.Delete(path);
        await AdvanceUntil(() => _log.Lines.Any(line => line.Level == LogLevel.Warning));
        for (var i = 0; i < 5; i++)
            await Advance();
        Assert.True(file.Current.Blocks("evil.com", "https://evil.com/"));
        Assert.Single(_log.Lines, line => line.Level == LogLevel.Warning);

        Write("list.txt", "back.example.com\n");
        await AdvanceUntil(() => _log.Lines.Any(line => line.Text.Contains("again", StringComparison.Ordinal)));
        Assert.True(file.Current.Blocks("back.example.com", "https://back.example.com/"));
        await file.StopAsync(TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Poll_ConfigMapSwapsItsSymlink_PutsTheNewListInForce()
    {
        // As the kubelet does it: list.txt -> ..data/list.txt, ..data -> ..1, and an update replaces ..data only.
        Directory.CreateDirectory(Path.Combine(_folder.FullName, "..1"));
        Directory.CreateDirectory(Path.Combine(_folder.FullName, "..2"));
        Write("..1/list.txt", "first.com\n");
        Write("..2/list.txt", "second.com\n");
        var data = Path.Combine(_folder.FullName, "..data");
        var path = Path.Combine(_folder.FullName, "list.txt");
        Directory.CreateSymbolicLink(data, "..1");
        File.CreateSymbolicLink(path, "..data/list.txt");
        using var file = await StartAsync(path);
        Assert.True(file.Current.Blocks("first.com", "https://first.com/"));

        var before = file.Current;
        Directory.Delete(data);
        Directory.CreateSymbolicLink(data, "..2");
        await AdvanceUntil(() => file.Current != before);

        Assert.True(file.Current.Blocks("second.com", "https://second.com/"));
        await file.StopAsync(TestContext.Current.CancellationToken);
    }

    private async Task<BlocklistFile> StartAsync(string path)
    {
        var file = new BlocklistFile(path, _time, _log);
        await file.StartAsync(TestContext.Current.CancellationToken);
        return file;
    }

    private Task AdvanceUntil(Func<bool> condition) =>
        Eventually.HoldsAsync(
            async () =>
            {
                if (condition())
                    return true;
                await Advance();
                return false;
            },
            "what the file says is in force"
        );

    // The loop runs on its own thread, so each step of the fake clock is given a little real time.
    private async Task Advance()
    {
        _time.Advance(BlocklistFile.PollInterval);
        await Task.Delay(10, TestContext.Current.CancellationToken);
    }

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder.FullName, name);
        File.WriteAllText(path, text);
        return path;
    }

    private sealed class ListLogger : ILogger<BlocklistFile>
    {
        private readonly List<(LogLevel Level, string Text)> _lines = [];

        public IReadOnlyList<(LogLevel Level, string Text)> Lines
        {
            get
            {
                lock (_lines)
                    return [.. _lines];
            }
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_lines)
                _lines.Add((logLevel, formatter(state, exception)));
        }
    }
}
