using System.Security.Cryptography;
using System.Text;
using k8s;

namespace UrlShortener.Operator.Apply;

/// <summary>Short digests of content, to tell whether it changed.</summary>
internal static class Digest
{
    private const int Length = 16;

    /// <summary>Digest of texts, in their order: 16 hexadecimal digits of SHA-256.</summary>
    public static string Of(params IEnumerable<string> parts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in parts)
        {
            // The length first, so that texts cannot run into each other.
            hash.AppendData(BitConverter.GetBytes(part.Length));
            hash.AppendData(Encoding.UTF8.GetBytes(part));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..Length];
    }

    /// <summary>Digest of an object as it is sent.</summary>
    public static string OfObject(object entity) => Of(KubernetesJson.Serialize(entity));
}
