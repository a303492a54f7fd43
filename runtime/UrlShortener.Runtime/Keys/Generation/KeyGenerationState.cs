using UrlShortener.Contracts;
using UrlShortener.Runtime.Codes;
using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Keys.Generation;

/// <summary>State of the service and its pool. The worker writes it, the endpoints read it; safe from any thread.</summary>
internal sealed class KeyGenerationState(RegionOptions region, KgsOptions options, KeyEpoch epoch, TimeProvider time) : IKeyPoolHealth
{
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);
    private static readonly double Keyspace = Math.Pow(CodeGenerator.AlphabetSize, CodeGenerator.Length);

    // An upper bound in case the clock stands still; the worker takes about one sample per second.
    private const int MaxSamples = 1_000;

    private readonly Lock _lock = new();
    private readonly long _origin = time.GetTimestamp();
    private readonly Queue<PoolSample> _samples = new();
    private string _phase = KeyGenerationPhase.Idle;
    private int _poolEpoch;
    private int _levelEpoch;
    private long? _level;
    private DateTimeOffset? _levelReadAt;
    private long _pooled;
    private long _claimed;
    private long _adoptedBatches;
    private long _discardedBatches;
    private DateTimeOffset? _lastBatchAt;
    private int? _lastBatchSize;
    private string? _lastError;
    private DateTimeOffset? _lastErrorAt;
    private double? _keyspaceUsedShare;

    /// <inheritdoc />
    public bool IsSufficient
    {
        get
        {
            lock (_lock)
                return _levelEpoch == epoch.Current && _level >= options.CriticalWatermark;
        }
    }

    /// <summary>Returns the current status.</summary>
    public KeyGenerationStatus Read()
    {
        lock (_lock)
        {
            var rates = PoolRates.Of(_samples);
            // After an epoch is opened, the known level is that of the old pool until the new pool is counted.
            var isOfThisEpoch = _levelEpoch == epoch.Current;
            return new KeyGenerationStatus
            {
                Region = region.Name,
                Epoch = epoch.Current,
                PoolEpoch = _poolEpoch,
                State = _phase,
                Level = isOfThisEpoch ? _level : null,
                LevelReadAt = isOfThisEpoch ? _levelReadAt : null,
                TargetLevel = options.TargetLevel,
                LowWatermark = options.LowWatermark,
                CriticalWatermark = options.CriticalWatermark,
                GeneratedPerSecond = Math.Round(rates.GeneratedPerSecond, 1),
                ConsumedPerSecond = Math.Round(rates.ConsumedPerSecond, 1),
                SecondsToExhaustion = isOfThisEpoch && rates.SecondsToExhaustion is { } seconds ? Math.Round(seconds, 1) : null,
                ClaimedTotal = _claimed,
                AdoptedBatches = _adoptedBatches,
                DiscardedBatches = _discardedBatches,
                LastBatchAt = _lastBatchAt,
                LastBatchSize = _lastBatchSize,
                LastError = _lastError,
                LastErrorAt = _lastErrorAt,
                KeyspaceUsedShare = _keyspaceUsedShare,
            };
        }
    }

    /// <summary>Records that the phase of the service changed.</summary>
    /// <param name="phase">See <see cref="KeyGenerationPhase"/>.</param>
    public void NotePhase(string phase)
    {
        lock (_lock)
            _phase = phase;
    }

    /// <summary>Records that a step failed.</summary>
    public void NoteFailure(string error)
    {
        lock (_lock)
        {
            _lastError = error;
            _lastErrorAt = time.GetUtcNow();
        }
    }

    /// <summary>Records that the epoch was set in the pool.</summary>
    public void NoteTold(int told)
    {
        KeyGenerationMetrics.Epoch.Set(told);
        lock (_lock)
            _poolEpoch = told;
    }

    /// <summary>Records that the pool of an epoch was counted.</summary>
    public void NoteLevel(int ofEpoch, long level)
    {
        KeyGenerationMetrics.Level.Set(level);
        lock (_lock)
        {
            // Each epoch has its own pool, so the two levels are unrelated.
            if (ofEpoch != _levelEpoch)
                _samples.Clear();
            _levelEpoch = ofEpoch;
            _level = level;
            _levelReadAt = time.GetUtcNow();
        }
    }

    /// <summary>Records a level counted while no batch was under way, which makes it a sample for the rates.</summary>
    public void NoteSample(int ofEpoch, long level)
    {
        NoteLevel(ofEpoch, level);
        lock (_lock)
        {
            var now = time.GetElapsedTime(_origin);
            _samples.Enqueue(new PoolSample(now, level, _pooled));
            while (_samples.Count > MaxSamples || now - _samples.Peek().At > Window)
                _samples.Dequeue();
            KeyGenerationMetrics.SecondsToExhaustion.Set(PoolRates.Of(_samples).SecondsToExhaustion ?? double.PositiveInfinity);
        }
    }

    /// <summary>Records that codes were claimed in the registry.</summary>
    public void NoteClaimed(int count)
    {
        KeyGenerationMetrics.Generated.Inc(count);
        lock (_lock)
            _claimed += count;
    }

    /// <summary>Records that a batch of this service was put into the pool.</summary>
    public void NotePooled(int count)
    {
        lock (_lock)
            _pooled += count;
    }

    /// <summary>Records that a batch was finished.</summary>
    public void NoteBatch(int count)
    {
        lock (_lock)
        {
            _lastBatchAt = time.GetUtcNow();
            _lastBatchSize = count;
        }
    }

    /// <summary>Records that a batch of another worker was adopted.</summary>
    public void NoteAdopted()
    {
        KeyGenerationMetrics.BatchesAdopted.Inc();
        lock (_lock)
            _adoptedBatches++;
    }

    /// <summary>Records that a batch was discarded because its epoch had been closed.</summary>
    public void NoteDiscarded()
    {
        lock (_lock)
            _discardedBatches++;
    }

    /// <summary>Records the number of registered codes, used or not.</summary>
    public void NoteRegistered(long count)
    {
        lock (_lock)
            _keyspaceUsedShare = count / Keyspace;
    }
}
