using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography.X509Certificates;
using StackExchange.Redis;
using UrlShortener.Operator.Redis.Protocol;
using Xunit;

namespace UrlShortener.Operator.Tests.Redis;

/// <summary>Writes keys through a real client of clusters and reads them again, and remembers which writes were acknowledged.</summary>
internal sealed class RedisLoad : IAsyncDisposable
{
    private const int Writers = 4;

    // Many keys, and processor time for the rest of the test.
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly ConnectionMultiplexer _client;
    private readonly ConcurrentDictionary<string, string> _written = new(StringComparer.Ordinal);
    private readonly ConcurrentBag<string> _wrong = [];
    private readonly CancellationTokenSource _end = new();
    private readonly Task _running;

    private RedisLoad(ConnectionMultiplexer client)
    {
        _client = client;
        _running = Task.WhenAll(Enumerable.Range(0, Writers).Select(writer => Task.Run(() => WriteAsync(writer))));
    }

    /// <summary>Number of acknowledged writes.</summary>
    public int Count => _written.Count;

    /// <summary>Connects and starts to write.</summary>
    public static async Task<RedisLoad> StartAsync(RedisLab lab)
    {
        var access = await lab.AccessAsync();
        var options = new ConfigurationOptions
        {
            Password = access.Password,
            Ssl = true,
            SslHost = access.ServerName,
            AbortOnConnectFail = false,
            ConnectRetry = 5,
            AllowAdmin = false,
        };
        options.CertificateValidation += (_, certificate, _, _) => IsTrusted(certificate, access);
        foreach (var pod in await lab.ReadPodsAsync())
            options.EndPoints.Add(RedisLab.AddressOf(pod));
        return new RedisLoad(await ConnectionMultiplexer.ConnectAsync(options));
    }

    /// <summary>Waits for a number of further writes.</summary>
    public async Task AwaitWritesAsync(int count)
    {
        var goal = Count + count;
        await Eventually.HoldsAsync(() => Count >= goal, "keys are written");
    }

    /// <summary>Writes two keys of a slot.</summary>
    public async Task WriteAsync(int slot, string name)
    {
        var found = 0;
        for (var number = 0; found < 2; number++)
        {
            var key = string.Create(CultureInfo.InvariantCulture, $"{name}-{number}");
            if (_client.GetHashSlot(key) != slot)
                continue;
            await CarryOutAsync(database => database.StringSetAsync(key, name, flags: CommandFlags.DemandMaster), $"{key} is written");
            _written[key] = name;
            found++;
        }
    }

    /// <summary>Keys of a slot.</summary>
    public IReadOnlyList<string> KeysOf(int slot) => [.. _written.Keys.Where(key => _client.GetHashSlot(key) == slot)];

    /// <summary>Deletes keys whose numbers end in seven, and returns them.</summary>
    public async Task<IReadOnlyList<string>> DeleteSomeAsync()
    {
        var deleted = _written.Keys.Where(key => key.StartsWith("load-", StringComparison.Ordinal) && key.EndsWith('7')).ToList();
        foreach (var key in deleted)
        {
            // First, or a writer that does not find it any more would count it as lost.
            _written.TryRemove(key, out _);
            await CarryOutAsync(database => database.KeyDeleteAsync(key, CommandFlags.DemandMaster), $"{key} is deleted");
        }

        return deleted;
    }

    /// <summary>Which of some keys exist.</summary>
    public async Task<IReadOnlyList<string>> FindAsync(IEnumerable<string> keys)
    {
        var answers = await Task.WhenAll(keys.Select(async key => (Key: key, Value: await ReadAsync(key))));
        return [.. answers.Where(answer => !answer.Value.IsNull).Select(answer => answer.Key)];
    }

    /// <summary>Acknowledged keys that are lost, and those that were read with another value, or not at all, meanwhile.</summary>
    public async Task<IReadOnlyList<string>> FindLostAsync()
    {
        // Its own snapshot: a list of a dictionary that grows meanwhile is an exception.
        var written = _written.ToArray();
        var there = (await FindAsync(written.Select(key => key.Key))).ToHashSet(StringComparer.Ordinal);
        return [.. written.Select(key => key.Key).Where(key => !there.Contains(key)), .. _wrong];
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _running;
        await _client.DisposeAsync();
        _end.Dispose();
    }

    // The client may know a node that is gone as the owner of a slot until its next look at the cluster.
    private Task<RedisValue> ReadAsync(string key) => CarryOutAsync(database => database.StringGetAsync(key, CommandFlags.DemandMaster), $"{key} can be read");

    // Again, until it is answered.
    private async Task<T?> CarryOutAsync<T>(Func<IDatabase, Task<T>> commandAsync, string what)
    {
        T? value = default;
        await Eventually.HoldsAsync(
            async () =>
            {
                try
                {
                    value = await commandAsync(_client.GetDatabase());
                    return true;
                }
                catch (Exception error) when (error is RedisException or TimeoutException)
                {
                    return false;
                }
            },
            what
        );
        return value;
    }

    private static bool IsTrusted(X509Certificate? certificate, RedisAccess access)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.CustomTrustStore.AddRange(access.Authorities!);
        return certificate is X509Certificate2 leaf && chain.Build(leaf);
    }

    private async Task WriteAsync(int writer)
    {
        var database = _client.GetDatabase();
        for (var number = 0; !_end.IsCancellationRequested; number++)
        {
            var key = string.Create(CultureInfo.InvariantCulture, $"load-{writer}-{number}");
            try
            {
                if (await database.StringSetAsync(key, key, flags: CommandFlags.DemandMaster))
                    _written[key] = key;
                // One of those before.
                var other = string.Create(CultureInfo.InvariantCulture, $"load-{writer}-{number / 2}");
                if (_written.ContainsKey(other) && await database.StringGetAsync(other, CommandFlags.DemandMaster) != other && _written.ContainsKey(other))
                    _wrong.Add(other);
            }
            catch (Exception error) when (error is RedisException or TimeoutException)
            {
                // Neither acknowledged nor read.
            }

            await Task.Delay(Pause, TestContext.Current.CancellationToken);
        }
    }
}
