using System.Globalization;

namespace UrlShortener.TestServers.Redis;

/// <summary>A node as a node of its cluster sees it: a line of CLUSTER NODES.</summary>
internal sealed record ClusterMember(
    string Id,
    IReadOnlySet<string> Flags,
    string MasterId,
    long Epoch,
    bool IsLinked,
    IReadOnlyList<(int First, int Last)> Slots
)
{
    private const int FirstSlotField = 8;

    /// <summary>Whether the line is about the node that was asked.</summary>
    public bool IsSelf => Flags.Contains("myself");

    /// <summary>Whether it is a master.</summary>
    public bool IsMaster => Flags.Contains("master");

    /// <summary>Whether others think it failed, or did not hear of it yet.</summary>
    public bool IsSuspect => Flags.Overlaps(["fail", "fail?", "handshake", "noaddr"]) || (!IsLinked && !IsSelf);

    /// <summary>Whether it is said to own a slot.</summary>
    public bool Owns(int slot) => Slots.Any(range => range.First <= slot && slot <= range.Last);

    /// <summary>Reads the answer of CLUSTER NODES.</summary>
    public static IReadOnlyList<ClusterMember> ReadAll(string text) =>
        [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => Read(line.TrimEnd('\r').Split(' ')))];

    /// <summary>id, address, flags, master, ping, pong, epoch, link, slots. Slots in brackets are on their way and still their owner's.</summary>
    private static ClusterMember Read(string[] fields) =>
        new(
            fields[0],
            fields[2].Split(',').ToHashSet(),
            fields[3],
            long.Parse(fields[6], CultureInfo.InvariantCulture),
            fields[7] == "connected",
            [.. fields.Skip(FirstSlotField).Where(range => range[0] != '[').Select(ReadRange)]
        );

    private static (int First, int Last) ReadRange(string range)
    {
        var ends = range.Split('-');
        return (int.Parse(ends[0], CultureInfo.InvariantCulture), int.Parse(ends[^1], CultureInfo.InvariantCulture));
    }
}
