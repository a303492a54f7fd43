using Microsoft.Extensions.Caching.Memory;
using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.QrCodes;

/// <summary>Caches drawn pictures by entity tag, up to a number of bytes. The framework's cache is suitable: it is rarely full, and it counts sizes.</summary>
internal sealed class QrCodeCache(QrCodeOptions options) : IDisposable
{
    // Bytes of an entry in addition to its picture: the key, the entry and its slot in the table.
    private const int Overhead = 512;

    private readonly MemoryCache _files = new(new MemoryCacheOptions { SizeLimit = options.CacheBytes, CompactionPercentage = 0.25 });

    /// <summary>Number of pictures in memory.</summary>
    public int Count => _files.Count;

    /// <summary>A picture in memory, or null.</summary>
    public byte[]? Find(string etag) => _files.TryGetValue(etag, out byte[]? file) ? file : null;

    /// <summary>Stores a picture. If the cache is full, the picture is not stored and a quarter of the others is evicted.</summary>
    public void Add(string etag, byte[] file) => _files.Set(etag, file, new MemoryCacheEntryOptions { Size = file.Length + Overhead });

    /// <inheritdoc />
    public void Dispose() => _files.Dispose();
}
