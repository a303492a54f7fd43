using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace UrlShortener.Runtime.Clicks;

/// <summary>
/// Hashes visitors' addresses under one salt: SipHash-2-4-128 under its first key, then under its second; HMAC-SHA-256 under a salt of an earlier release.
/// Allocates nothing for an address. For one thread at a time.
/// </summary>
internal sealed class AddressHasher : IDisposable
{
    private readonly SipHash _first;
    private readonly SipHash _second;

    // For a salt that an earlier release has made: its processes may still run, and a visitor of both counts once.
    private readonly IncrementalHash? _hmac;

    /// <summary>Works in a salt.</summary>
    /// <param name="salt">The salt of a day, of any kind.</param>
    public AddressHasher(byte[] salt)
    {
        if (ClickSalt.TryReadKeys(salt, out var keys))
            (_first, _second) = keys.Value;
        else
            _hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, salt);
    }

    /// <summary>Hash of an address. Only the /64 of an IPv6 address counts, since it identifies the subscriber.</summary>
    public AddressHash Hash(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
            length = 8;
        Span<byte> hash = stackalloc byte[AddressHash.Size];
        if (_hmac is null)
        {
            _first.Hash(bytes[..length], hash);
            _second.Hash(bytes[..length], hash[SipHash.Size..]);
        }
        else
        {
            _hmac.AppendData(bytes[..length]);
            _hmac.GetHashAndReset(hash);
        }

        return AddressHash.Read(hash);
    }

    /// <inheritdoc />
    public void Dispose() => _hmac?.Dispose();
}
