using System.Security.Cryptography;
using System.Text;
using k8s;

namespace UrlShortener.Operator.Apply;

/// <summary>Short digests of content, to detect changes.</summary>
internal static class Digest
{
    private const int Length = 16;

    /// <summary>Digest of strings, in their order: 16 hexadecimal digits of SHA-256.</summary>
    public static string Of(params IEnumerable<string> parts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (var part in parts)
        {
            // The length first, so that different lists of strings never give the same input.
            hash.AppendData(BitConverter.GetBytes(part.Length));
            hash.AppendData(Encoding.UTF8.GetBytes(part));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset())[..Length];
    }

    /// <summary>Digest of an object in its serialized form.</summary>
    public static string OfObject(object entity) => Of(KubernetesJson.Serialize(entity));
}
