using System.Globalization;
using System.Security.Cryptography;
using StackExchange.Redis;
using UrlShortener.Runtime.Caching;
using UrlShortener.Runtime.Codes;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.Redis;

/// <summary>The cache of links in Redis. Each link has its own key, so that codes are distributed over a cluster. Format: <see cref="RedisLink"/>.</summary>
internal sealed partial class RedisLinkCache(RedisConnection connection, RedisOptions options, ILogger<RedisLinkCache> logger) : ISharedLinkCache
{
    // The version of the stored value: number and epoch of up to ten digits each. They are compared one after the other, because combined they exceed what a
    // Lua number represents exactly. A value without an epoch was written by the previous release. Any other type or text counts as absent.
    private const string HeldVersion = """
        local held = redis.pcall('GETRANGE', KEYS[1], 0, 21)
        local number, epoch = 0, 0
        if type(held) == 'string' then
          local first, second = string.match(held, '^(%d+)|(%d+)|')
          number = tonumber(first or string.match(held, '^(%d+)|')) or 0
          epoch = tonumber(second) or 0
        end
        local givenNumber, givenEpoch = tonumber(ARGV[1]), tonumber(ARGV[2])
        local isSame = epoch == givenEpoch and number == givenNumber
        local isOlder = epoch < givenEpoch or epoch == givenEpoch and number < givenNumber

        """;

    // A state of the same version replaces its marker. It must not expire earlier than the marker would have, since it takes over the marker's purpose.
    private static readonly RedisScript Store = new(
        "store link",
        HeldVersion
            + """
            if not isSame and not isOlder then return 0 end
            local ttl = tonumber(ARGV[4])
            if isSame then ttl = math.max(ttl, redis.call('PTTL', KEYS[1])) end
            redis.call('SET', KEYS[1], ARGV[3], 'PX', string.format('%.0f', ttl))
            return 1
            """
    );

    private static readonly RedisScript Void = new(
        "void link",
        HeldVersion
            + """
            if isOlder then redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4]) end
            if ARGV[5] then redis.call('PUBLISH', ARGV[5], ARGV[6]) end
            return 1
            """
    );

    private readonly string _prefix = $"{options.KeyPrefix}:link:";
    private readonly RedisChannel _channel = RedisChannel.Literal($"{options.KeyPrefix}:changes");
    private readonly int _linkTtl = (int)options.LinkTtl.TotalMilliseconds;
    private readonly int _changeTtl = (int)options.ChangeTtl.TotalMilliseconds;

    /// <inheritdoc />
    public bool IsAvailable => connection.IsConnected && !connection.Requests.IsOpen;

    /// <inheritdoc />
    public bool IsRefused => connection.IsRefused;

    /// <inheritdoc />
    public async ValueTask<SharedLookup> FindAsync(string shortCode, CancellationToken cancellationToken)
    {
        RedisKey key = _prefix + shortCode;
        try
        {
            // Do not read from a replica, which may not have received a change yet.
            var value = await connection.Requests.CallAsync("GET", key, database => database.StringGetAsync(key, CommandFlags.DemandMaster), cancellationToken);
            var held = RedisLink.Parse(((ReadOnlyMemory<byte>)value).Span);
            (held.Target is null ? CacheMetrics.SharedMiss : CacheMetrics.SharedHit).Inc();
            return held;
        }
        // The server answered, but the value has another type, which no version of this product wrote. The next state replaces it.
        catch (DependencyException error) when (error.InnerException is RedisServerException)
        {
            CacheMetrics.SharedFailed.Inc();
            return default;
        }
        catch (DependencyException)
        {
            CacheMetrics.SharedFailed.Inc();
            return new SharedLookup { IsOutOfReach = true };
        }
    }

    /// <inheritdoc />
    public async ValueTask StoreAsync(string shortCode, LinkTarget target, CancellationToken cancellationToken)
    {
        // Randomised, so that links stored together do not expire together.
        var ttl = _linkTtl - RandomNumberGenerator.GetInt32((_linkTtl / 10) + 1);
        await TryRunAsync(Store, shortCode, [target.Version.Number, target.Version.Epoch, RedisLink.Render(target), ttl], cancellationToken);
    }

    /// <inheritdoc />
    public ValueTask<bool> InvalidateAsync(LinkVersion change, CancellationToken cancellationToken) =>
        TryRunAsync(Void, change.ShortCode, [.. BuildVoid(change), (RedisValue)(string?)_channel, RenderMessage(change)], cancellationToken);

    /// <inheritdoc />
    public ValueTask<bool> VoidAsync(LinkVersion change, CancellationToken cancellationToken) =>
        TryRunAsync(Void, change.ShortCode, BuildVoid(change), cancellationToken);

    /// <inheritdoc />
    public async Task ListenAsync(Action<LinkVersion> onChange, CancellationToken cancellationToken)
    {
        var subscriber = (await connection.WaitAsync(cancellationToken)).GetSubscriber();
        Action<RedisChannel, RedisValue> handler = (_, message) => Handle(message, onChange);
        var subscription = subscriber.SubscribeAsync(_channel, handler);
        try
        {
            await subscription.WaitAsync(RedisConnection.BackgroundTimeout, cancellationToken);
            // The client renews the subscription by itself after its server is lost.
            await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        }
        finally
        {
            await subscription.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await subscriber.UnsubscribeAsync(_channel, handler, CommandFlags.FireAndForget);
        }
    }

    /// <summary>Renders <c>number|code|epoch</c>.</summary>
    internal static string RenderMessage(LinkVersion change) =>
        string.Create(CultureInfo.InvariantCulture, $"{change.Version.Number}|{change.ShortCode}|{change.Version.Epoch}");

    /// <summary>Parses <c>number|code|epoch</c>, or <c>number|code</c> of the previous release, which counts as epoch 0. Null for anything else.</summary>
    internal static LinkVersion? ParseMessage(string? message)
    {
        var parts = message?.Split('|') ?? [];
        var epoch = 0;
        return
            parts.Length is 2 or 3
            && TryParse(parts[0], out var number)
            && number > 0
            && ShortCode.IsValid(parts[1])
            && (parts.Length == 2 || TryParse(parts[2], out epoch))
            ? new LinkVersion(parts[1], new StateVersion(epoch, number))
            : null;
    }

    private static bool TryParse(string text, out int number) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private RedisValue[] BuildVoid(LinkVersion change) => [change.Version.Number, change.Version.Epoch, RedisLink.RenderMarker(change.Version), _changeTtl];

    private void Handle(RedisValue message, Action<LinkVersion> onChange)
    {
        if (ParseMessage(message) is { } change)
            onChange(change);
        else
            Log.NotAChange(logger);
    }

    private async ValueTask<bool> TryRunAsync(RedisScript script, string shortCode, RedisValue[] arguments, CancellationToken cancellationToken)
    {
        try
        {
            await connection.Requests.RunAsync(script, _prefix + shortCode, arguments, cancellationToken);
            return true;
        }
        catch (DependencyException)
        {
            return false;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Debug, "Ignoring an unreadable message about a changed link")]
        public static partial void NotAChange(ILogger logger);
    }
}
