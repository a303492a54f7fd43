using System.Security.Cryptography;
using StackExchange.Redis;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.Redis;

/// <summary>
/// The region's pool as sets of codes, distributed over a cluster. Redis hands out each member of a set once. Codes that are lost with a server, or with an
/// answer that came too late, are never used. Calls may throw <see cref="DependencyException"/>.
/// </summary>
internal sealed class RedisKeyPool(RedisConnection connection, RedisOptions options, RegionOptions region) : IRegionPool
{
    /// <summary>Number of sets per epoch.</summary>
    public const int Sets = 64;

    // Maximum number of codes per command: it occupies a server for less than a millisecond.
    private const int ChunkSize = 1_000;

    // Fewer codes than this do not justify another command.
    private const int SmallestShare = 50;

    // Number of older epochs whose pools are emptied. Epochs are opened one by one, so older pools were emptied when the epochs in between began.
    private const int EmptiedEpochs = 8;

    // Failed sets to tolerate per take. If a master hangs, its sets are unavailable; one or two more attempts find a set on another master.
    private const int MostFailures = 2;

    private static readonly RedisScript RaiseEpoch = new(
        "raise epoch",
        """
        local held = tonumber(redis.call('GET', KEYS[1]) or '0') or 0
        local given = tonumber(ARGV[1])
        if given > held then redis.call('SET', KEYS[1], ARGV[1]) end
        return held
        """
    );

    private readonly string _prefix = $"{options.KeyPrefix}:keys:{region.Name}:";
    private readonly RedisKey _epochKey = $"{options.KeyPrefix}:keys:{region.Name}:epoch";

    /// <inheritdoc />
    public async Task<int> SetEpochAsync(int epoch, CancellationToken cancellationToken)
    {
        var before = (int)await connection.Background.RunAsync(RaiseEpoch, _epochKey, [epoch], cancellationToken);
        if (before > epoch)
            return before;
        // Include the previous epoch even if the pool already knew this one: the process that set it may have died before the old pool was empty.
        var oldest = Math.Max(Math.Min(before, epoch - 1), epoch - EmptiedEpochs);
        var emptied = new List<Task>();
        for (var old = Math.Max(0, oldest); old < epoch; old++)
        {
            for (var set = 0; set < Sets; set++)
            {
                var key = KeyOf(old, set);
                // The client sends UNLINK, which frees a large set in the background.
                emptied.Add(connection.Background.CallAsync("DEL", key, database => database.KeyDeleteAsync(key), cancellationToken).AsTask());
            }
        }

        await Task.WhenAll(emptied);
        return epoch;
    }

    /// <inheritdoc />
    public async Task AddAsync(int epoch, IReadOnlyList<string> codes, CancellationToken cancellationToken)
    {
        if (codes.Count == 0)
            return;
        var sets = Math.Clamp(codes.Count / SmallestShare, 1, Sets);
        var chunks = codes.Chunk(Math.Min(ChunkSize, (codes.Count + sets - 1) / sets));
        var set = RandomNumberGenerator.GetInt32(Sets);
        await Task.WhenAll(
            chunks.Select(chunk =>
            {
                var key = KeyOf(epoch, set++ % Sets);
                RedisValue[] members = [.. chunk.Select(code => (RedisValue)code)];
                return connection.Background.CallAsync("SADD", key, database => database.SetAddAsync(key, members), cancellationToken).AsTask();
            })
        );
    }

    /// <inheritdoc />
    public async Task<IReadOnlyList<Key>> TakeAsync(int count, CancellationToken cancellationToken)
    {
        if (await ReadEpochAsync(cancellationToken) is not { } epoch)
            return [];
        var keys = new List<Key>(count);
        var first = RandomNumberGenerator.GetInt32(Sets);
        var failures = 0;
        for (var i = 0; i < Sets && keys.Count < count; i++)
        {
            try
            {
                var taken = await PopAsync(KeyOf(epoch, (first + i) % Sets), count - keys.Count, cancellationToken);
                keys.AddRange(taken.Select(code => new Key(code.ToString(), epoch)));
            }
            catch (DependencyException) when (keys.Count > 0)
            {
                // Return the codes taken so far; otherwise they would be lost.
                break;
            }
            catch (DependencyException) when (failures < MostFailures)
            {
                // The next set may be on another server.
                failures++;
            }
        }

        return keys;
    }

    /// <inheritdoc />
    public async Task<long> CountAsync(int epoch, CancellationToken cancellationToken)
    {
        var counts = await Task.WhenAll(
            Enumerable
                .Range(0, Sets)
                .Select(set =>
                {
                    var key = KeyOf(epoch, set);
                    return connection
                        .Background.CallAsync("SCARD", key, database => database.SetLengthAsync(key, CommandFlags.DemandMaster), cancellationToken)
                        .AsTask();
                })
        );
        return counts.Sum();
    }

    /// <inheritdoc />
    public async Task<int?> ReadEpochAsync(CancellationToken cancellationToken) =>
        (
            await connection.Background.CallAsync(
                "GET",
                _epochKey,
                database => database.StringGetAsync(_epochKey, CommandFlags.DemandMaster),
                cancellationToken
            )
        ).TryParse(out int epoch)
            ? epoch
            : null;

    /// <inheritdoc />
    public async Task<bool> CheckAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (await ReadEpochAsync(cancellationToken) is { } epoch)
                await CountAsync(epoch, cancellationToken);
            return true;
        }
        catch (DependencyException error)
        {
            // The connection reports whether the servers are reachable at all.
            return error.InnerException is not RedisServerException;
        }
    }

    private ValueTask<RedisValue[]> PopAsync(RedisKey key, int count, CancellationToken cancellationToken) =>
        connection.Background.CallAsync("SPOP", key, database => database.SetPopAsync(key, count), cancellationToken);

    private RedisKey KeyOf(int epoch, int set) => $"{_prefix}{epoch}:{set}";
}
