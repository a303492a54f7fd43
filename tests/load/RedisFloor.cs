using StackExchange.Redis;

namespace UrlShortener.Load;

/// <summary>A bare GET on the Redis that the product uses, through the same driver: the least that an answer from Redis must pay.</summary>
internal sealed class RedisFloor(ConnectionMultiplexer connection, IReadOnlyList<string> keys) : IAsyncDisposable
{
    private readonly IDatabase _database = connection.GetDatabase();
    private int _position;

    public static async Task<RedisFloor> ConnectAsync(string configuration, IReadOnlyList<string> keys) =>
        new(await ConnectionMultiplexer.ConnectAsync(configuration), keys);

    public async Task<Measurement> GetAsync(LoadProfile load, CancellationToken cancellationToken)
    {
        var misses = 0;
        var measurement = await DriverLoad.MeasureAsync(
            load,
            async (_, _) =>
            {
                var value = await _database.StringGetAsync(keys[(int)((uint)Interlocked.Increment(ref _position) % keys.Count)]);
                if (value.IsNull)
                    Interlocked.Increment(ref misses);
            },
            cancellationToken
        );
        return measurement with { BadStatuses = misses };
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();
}
