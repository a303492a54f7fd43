using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Keys.Generation;
using UrlShortener.Runtime.Regions;
using UrlShortener.Runtime.Tests.Regions;
using Xunit;

namespace UrlShortener.Runtime.Tests.Keys.Generation;

/// <summary>A region: one registry, one pool, one clock and the services that work on them.</summary>
internal sealed class GenerationRegion : IAsyncDisposable
{
    private readonly List<Service> _services = [];

    public GenerationRegion() => Registry = new FakeRegistry(Time);

    public KgsOptions Options { get; } =
        new()
        {
            TargetLevel = 1_000,
            LowWatermark = 400,
            CriticalWatermark = 100,
            BatchSize = 90,
            Workers = 2,
            // No limit even while the clock stands still.
            MaxKeysPerSecond = int.MaxValue,
        };

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2030, 1, 31, 12, 0, 0, TimeSpan.Zero));

    public FakeRegistry Registry { get; }

    public FakePool Pool { get; } = new();

    /// <summary>A service that has not begun.</summary>
    public Service Add(Faults? faults = null)
    {
        var service = new Service(this, faults ?? new Faults());
        _services.Add(service);
        return service;
    }

    /// <summary>A service that has begun.</summary>
    public async Task<Service> StartAsync(Faults? faults = null)
    {
        var service = Add(faults);
        await service.Worker.StartAsync(TestContext.Current.CancellationToken);
        return service;
    }

    /// <summary>Moves the clock a second at a time until the condition holds.</summary>
    public Task RunUntilAsync(Func<bool> condition) => Eventually.HoldsAsync(condition, () => Time.Advance(TimeSpan.FromSeconds(1)));

    /// <summary>No code is in two batches, and each came into the pool of the epoch of its batch only.</summary>
    public void AssertSound()
    {
        var batches = Registry.Batches;
        var epochs = batches.SelectMany(batch => batch.Codes.Select(code => (code, batch.Epoch))).ToList();
        Assert.Equal(epochs.Count, epochs.DistinctBy(entry => entry.code, StringComparer.Ordinal).Count());
        var epochOf = epochs.ToDictionary(entry => entry.code, entry => entry.Epoch, StringComparer.Ordinal);
        Assert.All(Pool.Added, key => Assert.Equal(epochOf[key.Code], key.Epoch));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var service in _services)
        {
            await service.Worker.StopAsync(CancellationToken.None);
            service.Worker.Dispose();
        }
    }

    internal sealed class Service : ILogger<KeyGenerationWorker>
    {
        private readonly Lock _lock = new();
        private readonly List<(LogLevel Level, Exception? Error)> _logged = [];

        public Service(GenerationRegion region, Faults faults)
        {
            var (registry, pool) = (region.Registry.Connect(faults), region.Pool.Connect(faults));
            var regionOptions = new RegionOptions();
            Faults = faults;
            Refill = new RefillSignal(region.Time);
            State = new KeyGenerationState(regionOptions, region.Options, Epoch, region.Time);
            var steps = new GenerationSteps(State, region.Time);
            Worker = new KeyGenerationWorker(
                new RegionEpoch(registry, pool, steps, Epoch, State, region.Time),
                new KeyBatches(registry, pool, steps, State, regionOptions),
                steps,
                registry,
                pool,
                Refill,
                State,
                Access,
                region.Options,
                region.Time,
                this
            );
        }

        public Faults Faults { get; }

        public KeyEpoch Epoch { get; } = new();

        public WriteAccess Access { get; } = TestRegions.NewAccess();

        public RefillSignal Refill { get; }

        public KeyGenerationState State { get; }

        public KeyGenerationWorker Worker { get; }

        public string Phase => State.Read().State;

        public IReadOnlyList<LogLevel> Logged
        {
            get
            {
                lock (_lock)
                    return [.. _logged.Select(entry => entry.Level)];
            }
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            lock (_lock)
                _logged.Add((logLevel, exception));
        }
    }
}
