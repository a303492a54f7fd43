using k8s;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>Follows objects of one kind through losses of the API server.</summary>
/// <param name="listAsync">Lists them.</param>
/// <param name="watch">Watches them from a version on, for so many seconds.</param>
internal sealed class ObjectWatch<T>(
    Func<CancellationToken, Task<(IList<T> Items, string Version)>> listAsync,
    Func<string, int, CancellationToken, IAsyncEnumerable<(WatchEventType Type, T Entity)>> watch
)
{
    private const int WatchSeconds = 120;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// Runs until it is cancelled. <paramref name="onList"/> is told all objects, at first and whenever changes may have been missed;
    /// <paramref name="onChange"/> each change after that; nothing while <paramref name="whileConnectedAsync"/> does not return.
    /// </summary>
    public async Task RunAsync(
        Action<IList<T>> onList,
        Action<WatchEventType, T> onChange,
        Func<CancellationToken, Task> whileConnectedAsync,
        CancellationToken cancellationToken
    )
    {
        while (true)
        {
            try
            {
                await whileConnectedAsync(cancellationToken);
                var (items, version) = await listAsync(cancellationToken);
                onList(items);
                // A watch that ends in order, and one that the server lost, both begin with a new list.
                await foreach (var (type, entity) in watch(version, WatchSeconds, cancellationToken))
                {
                    await whileConnectedAsync(cancellationToken);
                    if (type is WatchEventType.Added or WatchEventType.Modified or WatchEventType.Deleted)
                        onChange(type, entity);
                }
            }
            catch (Exception e) when (TransientErrors.IsTransient(e, cancellationToken))
            {
                // The API server is away; it is asked again until it is back.
            }

            await Task.Delay(Pause, cancellationToken);
        }
    }
}
