using System.Security.Cryptography;
using UrlShortener.Chaos.Tests.Histories;
using UrlShortener.Chaos.Tests.Product;

namespace UrlShortener.Chaos.Tests.Traffic;

/// <summary>
/// Clients that work until they are stopped, each with one request at a time. It must be stopped before it is disposed of; left alone, it ends by itself.
/// </summary>
internal sealed class Load : IAsyncDisposable
{
    private readonly CancellationTokenSource _end;
    private readonly LoadOptions _options;
    private readonly IReadOnlyList<Client> _clients;
    private readonly Task _work;
    private int _next;
    private bool _isStopped;

    private Load(History history, IReadOnlyList<Pod> pods, string apiKey, LoadOptions options, CancellationToken cancellationToken)
    {
        _options = options;
        _clients = [.. pods.Select(pod => new Client(history, pod, apiKey))];
        _end = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        _end.CancelAfter(options.Limit);
        _work = Task.WhenAll([
            .. Enumerable.Range(0, options.Creators).Select(i => Task.Run(() => RepeatAsync(i, CreateAsync), cancellationToken)),
            .. Enumerable.Range(0, options.Visitors).Select(i => Task.Run(() => RepeatAsync(i, FollowAsync), cancellationToken)),
            .. options.Changing.Select((code, i) => Task.Run(() => RepeatAsync(i, (client, number) => ChangeAsync(client, code, number)), cancellationToken)),
        ]);
    }

    /// <summary>Begins.</summary>
    public static Load Start(History history, IReadOnlyList<Pod> pods, string apiKey, LoadOptions options, CancellationToken cancellationToken) =>
        new(history, pods, apiKey, options, cancellationToken);

    /// <summary>Begins no further request, and returns when those under way have ended.</summary>
    public async Task StopAsync()
    {
        Volatile.Write(ref _isStopped, true);
        await _work;
    }

    /// <inheritdoc />
    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _work.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _end.Dispose();
    }

    private async Task RepeatAsync(int index, Func<Client, int, Task> work)
    {
        for (var number = index; !Volatile.Read(ref _isStopped); number++)
        {
            await work(_clients[number % _clients.Count], number);
            // What a client does between two requests. Without it they would leave the servers no processor to recover on.
            await Task.Delay(_options.Pause, _end.Token);
        }
    }

    private Task<Operation> CreateAsync(Client client, int number) =>
        client.CreateAsync($"https://example.com/created/{Interlocked.Increment(ref _next)}", _end.Token);

    private Task<Operation> ChangeAsync(Client client, string code, int number) =>
        client.ChangeAsync(code, $"https://example.com/changed/{code}/{Interlocked.Increment(ref _next)}", _end.Token);

    private Task<Operation> FollowAsync(Client client, int number) =>
        client.FollowAsync(_options.Followed[RandomNumberGenerator.GetInt32(_options.Followed.Count)], _end.Token);
}

/// <summary>What clients do in a <see cref="Load"/>.</summary>
internal sealed record LoadOptions
{
    /// <summary>Clients that create links. Default 2.</summary>
    public int Creators { get; init; } = 2;

    /// <summary>Clients that follow links. Default 2.</summary>
    public int Visitors { get; init; } = 2;

    /// <summary>Links that visitors follow.</summary>
    public required IReadOnlyList<string> Followed { get; init; }

    /// <summary>Links that are changed, each by a client of its own.</summary>
    public IReadOnlyList<string> Changing { get; init; } = [];

    /// <summary>Pause of a client between two requests. Default 25 ms.</summary>
    public TimeSpan Pause { get; init; } = TimeSpan.FromMilliseconds(25);

    /// <summary>When it ends by itself, because its test hangs. Default 30 minutes.</summary>
    public TimeSpan Limit { get; init; } = TimeSpan.FromMinutes(30);
}
