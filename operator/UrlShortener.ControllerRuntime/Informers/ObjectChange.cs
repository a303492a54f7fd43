namespace UrlShortener.ControllerRuntime.Informers;

/// <summary>What an <see cref="Informer{T}"/> tells its handlers.</summary>
/// <param name="Old">The state before; null for a new object. Equal to <paramref name="New"/> when nothing changed and the object is merely shown again.</param>
/// <param name="New">The state now; null for a deleted object.</param>
public readonly record struct ObjectChange<T>(T? Old, T? New)
    where T : class
{
    /// <summary>The newest state there is of the object, be it its last.</summary>
    public T Newest => New ?? Old!;
}
