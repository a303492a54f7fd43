using System.Text;
using UrlShortener.Runtime.Codes;

namespace UrlShortener.Runtime.Links;

/// <summary>
/// Bytes that count towards a user's quota. The stores count the same when they write: Storage/*/Migrations/0005_stored_bytes.sql, which must agree.
/// </summary>
internal static class StoredSize
{
    /// <summary>Added to the texts of a link or an answer: the approximate size of its row and indexes.</summary>
    public const int PerRecord = 256;

    /// <summary>Size of a link to be stored. A generated code counts with the largest possible length.</summary>
    public static long Of(NewLink link) => PerRecord + (link.Alias?.Length ?? ShortCode.MaxLength) + Of(link.OriginalUrl) + Of(link.Metadata);

    /// <summary>A stored link.</summary>
    public static long Of(Link link) => PerRecord + link.ShortCode.Length + Of(link.OriginalUrl) + Of(link.Metadata);

    /// <summary>An answer kept for retries.</summary>
    public static long Of(StoredReply reply) => PerRecord + (reply.Location is null ? 0 : Of(reply.Location)) + reply.Body.Length;

    /// <summary>Growth of a link by a change; negative if it shrinks.</summary>
    public static long Growth(Link link, LinkChange change) =>
        (change.OriginalUrl is null ? 0 : Of(change.OriginalUrl) - Of(link.OriginalUrl))
        + (change.Metadata is null ? 0 : Of(change.Metadata) - Of(link.Metadata));

    private static int Of(string text) => Encoding.UTF8.GetByteCount(text);
}
