namespace UrlShortener.ControllerRuntime.Informers;

/// <summary>A change that an <see cref="Informer{T}"/> passes to its handlers.</summary>
/// <param name="Old">The previous state; null for a new object. Equal to <paramref name="New"/> at a resync.</param>
/// <param name="New">The new state; null for a deleted object.</param>
public readonly record struct ObjectChange<T>(T? Old, T? New)
    where T : class
{
    /// <summary>The newest state of the object; its last state if it was deleted.</summary>
    public T Newest => New ?? Old!;
}
