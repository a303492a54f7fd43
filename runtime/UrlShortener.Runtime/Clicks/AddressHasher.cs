using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace UrlShortener.Runtime.Clicks;

/// <summary>
/// Hashes visitors' addresses under one salt: HMAC-SHA-256 with the salt as its key. The key is worked in once; an address then costs two blocks and allocates
/// nothing. For one thread at a time.
/// </summary>
/// <param name="salt">The salt of a day.</param>
internal sealed class AddressHasher(byte[] salt) : IDisposable
{
    private readonly IncrementalHash _hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, salt);

    /// <summary>Hash of an address. Only the /64 of an IPv6 address counts, since it identifies the subscriber.</summary>
    public AddressHash Hash(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        _hmac.AppendData(bytes[..(address.AddressFamily == AddressFamily.InterNetworkV6 ? 8 : length)]);
        Span<byte> hash = stackalloc byte[AddressHash.Size];
        _hmac.GetHashAndReset(hash);
        return AddressHash.Read(hash);
    }

    /// <inheritdoc />
    public void Dispose() => _hmac.Dispose();
}
