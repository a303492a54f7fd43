using System.Buffers;
using System.Security.Cryptography;
using System.Text;

namespace UrlShortener.Runtime.Links;

/// <summary>A client's idempotency key, bound to the client, and a digest of the request.</summary>
internal sealed record IdempotencyKey(string Key, string RequestHash)
{
    /// <summary>Longest key, in characters.</summary>
    public const int MaxLength = 255;

    /// <summary>Binds a key to its sender, so that equal keys of two senders do not collide.</summary>
    public static IdempotencyKey Of(string caller, string key, string path, in ReadOnlySequence<byte> body)
    {
        using var request = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        request.AppendData(Encoding.UTF8.GetBytes(path + "\n"));
        foreach (var piece in body)
            request.AppendData(piece.Span);
        return new IdempotencyKey(
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{caller}\n{key}"))),
            Convert.ToHexStringLower(request.GetHashAndReset())
        );
    }

    /// <summary>Whether a header value can be a key: 1 to 255 printable ASCII characters.</summary>
    public static bool IsValid(string key) => key.Length is > 0 and <= MaxLength && !key.AsSpan().ContainsAnyExceptInRange(' ', '~');
}
