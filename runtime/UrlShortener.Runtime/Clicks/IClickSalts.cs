namespace UrlShortener.Runtime.Clicks;

/// <summary>The salts of visitors' address hashes, one per UTC day.</summary>
internal interface IClickSalts
{
    /// <summary>The salt of one UTC day, made at the first call for it.</summary>
    Task<byte[]> GetSaltAsync(DateOnly day, CancellationToken cancellationToken);

    /// <summary>Deletes salts of days before <paramref name="day"/>, after which their hashes can no longer be tied to an address.</summary>
    Task DeleteSaltsBeforeAsync(DateOnly day, CancellationToken cancellationToken);
}
