using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using UrlShortener.Runtime.Administration;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Resilience;
using Xunit;

namespace UrlShortener.Runtime.Tests.Administration;

public sealed class RestoredCommandTests
{
    private readonly FakeTimeProvider _time = new() { AutoAdvanceAmount = TimeSpan.FromMilliseconds(1) };

    [Fact]
    public async Task Run_RedisIsConnectedLate_WaitsForIt()
    {
        var registry = new Registry();

        var run = RestoredCommand.RunAsync(Services(registry, failures: 20), TestContext.Current.CancellationToken);
        await AdvanceUntilItEndsAsync(run);

        Assert.Equal(ExitCode.Done, await run);
        Assert.Equal(8, registry.Epoch);
    }

    [Fact]
    public async Task Run_RedisStaysAway_GivesUpAndChangesNothing()
    {
        var registry = new Registry();

        var run = RestoredCommand.RunAsync(Services(registry, failures: int.MaxValue), TestContext.Current.CancellationToken);
        await AdvanceUntilItEndsAsync(run);

        Assert.Equal(ExitCode.Failed, await run);
        Assert.Equal(3, registry.Epoch);
    }

    private async Task AdvanceUntilItEndsAsync(Task run)
    {
        while (!run.IsCompleted)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }
    }

    private ServiceProvider Services(Registry registry, int failures) =>
        new ServiceCollection()
            .AddSingleton<TimeProvider>(_time)
            .AddSingleton<IEpochRegistry>(registry)
            .AddSingleton<IRegionPool>(new LatePool(failures))
            .BuildServiceProvider();

    private sealed class Registry : IEpochRegistry
    {
        public int Epoch { get; private set; } = 3;

        public Task<int> ReadEpochAsync(CancellationToken cancellationToken) => Task.FromResult(Epoch);

        public Task<int> OpenEpochAsync(int epoch, CancellationToken cancellationToken) => Task.FromResult(Epoch = epoch);
    }

    private sealed class LatePool(int failures) : IRegionPool
    {
        private int _failures = failures;

        public Task<int?> ReadEpochAsync(CancellationToken cancellationToken) =>
            _failures-- > 0 ? throw new DependencyException("redis is not connected yet.") : Task.FromResult<int?>(7);

        public Task<int> SetEpochAsync(int epoch, CancellationToken cancellationToken) => Task.FromResult(epoch);

        public Task AddAsync(int epoch, IReadOnlyList<string> codes, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<IReadOnlyList<Key>> TakeAsync(int count, CancellationToken cancellationToken) => throw new NotSupportedException();

        public Task<long> CountAsync(int epoch, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}
