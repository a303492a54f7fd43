using Microsoft.Extensions.Caching.Memory;
using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.QrCodes;

/// <summary>Drawn pictures by their entity tag, within so many bytes. The framework's cache fits here: it is seldom full, and counts sizes.</summary>
internal sealed class QrCodeCache(QrCodeOptions options) : IDisposable
{
    // What an entry takes beside its picture, in bytes: the key, the entry and its place in the table.
    private const int Overhead = 512;

    private readonly MemoryCache _files = new(new MemoryCacheOptions { SizeLimit = options.CacheBytes, CompactionPercentage = 0.25 });

    /// <summary>Pictures held.</summary>
    public int Count => _files.Count;

    /// <summary>A picture in memory, or null.</summary>
    public byte[]? Find(string etag) => _files.TryGetValue(etag, out byte[]? file) ? file : null;

    /// <summary>Keeps a picture. When memory is full it is not kept, and a quarter of the others is let go.</summary>
    public void Add(string etag, byte[] file) => _files.Set(etag, file, new MemoryCacheEntryOptions { Size = file.Length + Overhead });

    /// <inheritdoc />
    public void Dispose() => _files.Dispose();
}
