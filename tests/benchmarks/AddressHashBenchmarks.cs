using System.Net;
using System.Security.Cryptography;
using BenchmarkDotNet.Attributes;
using UrlShortener.Runtime.Clicks;

namespace UrlShortener.Benchmarks;

/// <summary>The hash of an address that was not seen yet, and other ways to make one.</summary>
[MemoryDiagnoser]
public class AddressHashBenchmarks : IDisposable
{
    private const int Addresses = 10_000;
    private readonly byte[] _salt = new byte[32];
    private readonly AddressHasher _hasher = new(ClickSalt.Make());
    private readonly AddressHasher _hmac = new(new byte[32]);
    private readonly IPAddress[] _addresses = [.. Enumerable.Range(0, Addresses).Select(i => new IPAddress([10, 0, (byte)(i / 250), (byte)(i % 250)]))];

    /// <summary>Frees the hasher.</summary>
    public void Dispose()
    {
        _hasher.Dispose();
        _hmac.Dispose();
        GC.SuppressFinalize(this);
    }

    /// <summary>As it once was: the key is worked in for each address, and the hash is a text.</summary>
    [Benchmark(Baseline = true, OperationsPerInvoke = Addresses)]
    public int HmacWithItsKeyAsText()
    {
        var sum = 0;
        Span<byte> bytes = stackalloc byte[16];
        foreach (var address in _addresses)
        {
            address.TryWriteBytes(bytes, out var length);
            sum += Convert.ToHexStringLower(HMACSHA256.HashData(_salt, bytes[..length])).Length;
        }

        return sum;
    }

    /// <summary>As it is: SipHash under two keys.</summary>
    [Benchmark(OperationsPerInvoke = Addresses)]
    public ulong Hasher() => Sum(_hasher);

    /// <summary>As it is under salts of earlier releases: HMAC with its key worked in once.</summary>
    [Benchmark(OperationsPerInvoke = Addresses)]
    public ulong HmacWithItsKeyWorkedIn() => Sum(_hmac);

    /// <summary>One block of SHA-256 over salt and address.</summary>
    [Benchmark(OperationsPerInvoke = Addresses)]
    public int OneBlock()
    {
        var sum = 0;
        Span<byte> block = stackalloc byte[48];
        Span<byte> hash = stackalloc byte[32];
        _salt.CopyTo(block);
        foreach (var address in _addresses)
        {
            address.TryWriteBytes(block[32..], out _);
            sum += SHA256.HashData(block, hash);
        }

        return sum;
    }

    private ulong Sum(AddressHasher hasher)
    {
        var sum = 0ul;
        foreach (var address in _addresses)
            sum += hasher.Hash(address).First;
        return sum;
    }
}
