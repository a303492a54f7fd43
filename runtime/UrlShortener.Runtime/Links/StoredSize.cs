using System.Text;
using UrlShortener.Runtime.Codes;

namespace UrlShortener.Runtime.Links;

/// <summary>
/// What counts towards a user's quota, in bytes. The stores count the same when they write: Storage/*/Migrations/0005_stored_bytes.sql, which must agree.
/// </summary>
internal static class StoredSize
{
    /// <summary>For a link or an answer, beside its texts: about what rows and indexes take.</summary>
    public const int PerRecord = 256;

    /// <summary>A link to be stored; where its code is generated, the longest there may be.</summary>
    public static long Of(NewLink link) => PerRecord + (link.Alias?.Length ?? ShortCode.MaxLength) + Of(link.OriginalUrl) + Of(link.Metadata);

    /// <summary>A stored link.</summary>
    public static long Of(Link link) => PerRecord + link.ShortCode.Length + Of(link.OriginalUrl) + Of(link.Metadata);

    /// <summary>An answer kept for retries.</summary>
    public static long Of(StoredReply reply) => PerRecord + (reply.Location is null ? 0 : Of(reply.Location)) + reply.Body.Length;

    /// <summary>By how much a link grows with a change; negative: it shrinks.</summary>
    public static long Growth(Link link, LinkChange change) =>
        (change.OriginalUrl is null ? 0 : Of(change.OriginalUrl) - Of(link.OriginalUrl))
        + (change.Metadata is null ? 0 : Of(change.Metadata) - Of(link.Metadata));

    private static int Of(string text) => Encoding.UTF8.GetByteCount(text);
}
