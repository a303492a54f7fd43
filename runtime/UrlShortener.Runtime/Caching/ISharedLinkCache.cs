using UrlShortener.Runtime.Links;

namespace UrlShortener.Runtime.Caching;

/// <summary>
/// The tier between a process' memory and the store, shared by the processes of a region. It never fails a caller: while it is unreachable, it returns nothing.
/// Versions keep it correct: a state of a link never replaces a newer one, in whichever order they are written.
/// </summary>
internal interface ISharedLinkCache
{
    /// <summary>Whether the tier answers.</summary>
    bool IsAvailable { get; }

    /// <summary>Whether it answers but refused a command lately: a key of another type, no memory left, no permission.</summary>
    bool IsRefused => false;

    /// <summary>What is known of a code.</summary>
    ValueTask<SharedLookup> FindAsync(string shortCode, CancellationToken cancellationToken);

    /// <summary>Holds a state of a link, unless a newer one is known.</summary>
    ValueTask StoreAsync(string shortCode, LinkTarget target, CancellationToken cancellationToken);

    /// <summary>Voids states older than a change and notifies the other processes at once; false: it failed.</summary>
    ValueTask<bool> InvalidateAsync(LinkVersion change, CancellationToken cancellationToken);

    /// <summary>As <see cref="InvalidateAsync"/> without a message to other processes: for a change that they learn of in the same way as this one.</summary>
    ValueTask<bool> VoidAsync(LinkVersion change, CancellationToken cancellationToken) => InvalidateAsync(change, cancellationToken);

    /// <summary>Calls <paramref name="onChange"/> for changes that other processes announce, until cancelled. Messages may be lost;
    /// <see cref="ILinkChangeLog"/> has all changes.</summary>
    Task ListenAsync(Action<LinkVersion> onChange, CancellationToken cancellationToken);
}

/// <summary>What the shared tier knows of a code.</summary>
/// <param name="Target">A state of the link; null: none is held.</param>
/// <param name="AtLeast">States with a smaller version are out of date; the default: nothing is known.</param>
internal readonly record struct SharedLookup(LinkTarget? Target, StateVersion AtLeast)
{
    /// <summary>The tier did not answer; there is no point in asking it for more right now.</summary>
    public bool IsOutOfReach { get; init; }
}

/// <summary>Used where processes share nothing.</summary>
internal sealed class NoSharedLinkCache : ISharedLinkCache
{
    /// <inheritdoc />
    public bool IsAvailable => true;

    /// <inheritdoc />
    public ValueTask<SharedLookup> FindAsync(string shortCode, CancellationToken cancellationToken) => default;

    /// <inheritdoc />
    public ValueTask StoreAsync(string shortCode, LinkTarget target, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <inheritdoc />
    public ValueTask<bool> InvalidateAsync(LinkVersion change, CancellationToken cancellationToken) => ValueTask.FromResult(true);

    /// <inheritdoc />
    public Task ListenAsync(Action<LinkVersion> onChange, CancellationToken cancellationToken) => Task.CompletedTask;
}
