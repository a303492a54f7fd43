using System.Runtime.InteropServices;
using UrlShortener.Runtime.Clicks.Events;

namespace UrlShortener.Runtime.Clicks.Loading;

/// <summary>What is to be done with the records of a batch.</summary>
/// <param name="New">Clicks to be inserted.</param>
/// <param name="Counted">
/// Clicks to be counted in the totals of links: the new ones, and those that an earlier attempt at the same records has inserted; none that is counted already.
/// </param>
/// <param name="Rejected">Records that cannot be loaded.</param>
/// <param name="Duplicates">How many events arrived before, at another place.</param>
/// <param name="Inserted">How many events an earlier attempt at the same records has inserted.</param>
internal sealed record SortedBatch(
    IReadOnlyList<NewClick> New,
    IReadOnlyList<StoredClick> Counted,
    IReadOnlyList<IncomingEvent> Rejected,
    int Duplicates,
    int Inserted
)
{
    /// <summary>
    /// Oldest click that is loaded. Its link may have been deleted since: deleted codes are known for 30 days. Events are recognised for longer than that.
    /// </summary>
    public static readonly TimeSpan MaxAge = TimeSpan.FromDays(29);

    /// <summary>How far the clock of the process that saw a click may be ahead.</summary>
    public static readonly TimeSpan MaxAhead = TimeSpan.FromHours(1);

    /// <summary>The click is older than <see cref="MaxAge"/>, or further ahead than <see cref="MaxAhead"/>.</summary>
    public const string TimeOutOfRange = "time_out_of_range";

    /// <summary>Sorts the records of a batch.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="loaded">Those of its events that are loaded.</param>
    /// <param name="sources">Names of sources of this partition.</param>
    /// <param name="now">Time of the load.</param>
    public static SortedBatch Sort(EventBatch batch, IReadOnlyDictionary<Guid, LoadedFrom> loaded, SourceLimit sources, DateTimeOffset now)
    {
        var (clicks, counted, rejected) = (new List<NewClick>(batch.Events.Count), new List<StoredClick>(batch.Events.Count), new List<IncomingEvent>());
        var seen = new HashSet<Guid>(batch.Events.Count);
        var (duplicates, inserted) = (0, 0);
        foreach (ref readonly var incoming in CollectionsMarshal.AsSpan(batch.Events as List<IncomingEvent> ?? [.. batch.Events]))
        {
            if (incoming.Rejected is not null)
            {
                rejected.Add(incoming);
                continue;
            }

            if (!seen.Add(incoming.Id))
            {
                duplicates++;
                continue;
            }

            if (loaded.TryGetValue(incoming.Id, out var from))
            {
                // At the same place: an earlier attempt inserted it, and did not come to count it.
                if (from != new LoadedFrom(batch.Topic, batch.Partition, incoming.Offset))
                {
                    duplicates++;
                    continue;
                }

                inserted++;
                if (!incoming.IsCounted)
                    counted.Add(incoming.Click);
                continue;
            }

            if (incoming.Click.At < now - MaxAge || incoming.Click.At > now + MaxAhead)
            {
                rejected.Add(
                    incoming with
                    {
                        Rejected = new RejectedRecord(TimeOutOfRange, ClickEvent.ToBytes(incoming.Id, incoming.Click, incoming.IsCounted)),
                    }
                );
                continue;
            }

            clicks.Add(new NewClick(incoming, sources.Limit(incoming.Click)));
            if (!incoming.IsCounted)
                counted.Add(incoming.Click);
        }

        return new SortedBatch(clicks, counted, rejected, duplicates, inserted);
    }
}
