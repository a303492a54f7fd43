using System.Diagnostics.CodeAnalysis;
using System.Text;
using UrlShortener.Runtime.Clicks.Spool;

namespace UrlShortener.Runtime.Tests.Clicks.Spool;

/// <summary>A copy of an event that was read from the spool, which the next one does not overwrite.</summary>
internal sealed record ReadEvent(string Key, byte[] Value, SpoolPosition Position)
{
    /// <summary>Reads the next event.</summary>
    public static bool TryRead(ClickSpool spool, [NotNullWhen(true)] out ReadEvent? read)
    {
        read = spool.TryRead(out var next) ? new ReadEvent(Encoding.UTF8.GetString(next.Key), next.Value.ToArray(), next.Position) : null;
        return read is not null;
    }
}
