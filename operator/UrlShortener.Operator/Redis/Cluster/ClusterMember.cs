using System.Globalization;

namespace UrlShortener.Operator.Redis.Cluster;

/// <summary>A member of a cluster as one of its nodes knows it: a line of CLUSTER NODES.</summary>
internal sealed record ClusterMember
{
    private const int FirstSlotField = 8;
    private const int IdLength = 40;

    /// <summary>Identity of the node, 40 hexadecimal digits.</summary>
    public required string Id { get; init; }

    /// <summary>Address; empty: not known.</summary>
    public required string Ip { get; init; }

    /// <summary>Name that the node announces; null: none.</summary>
    public string? HostName { get; init; }

    /// <summary>Flags, such as <c>master</c> and <c>fail?</c>.</summary>
    public required IReadOnlySet<string> Flags { get; init; }

    /// <summary>Identity of its master; null: it is none's replica.</summary>
    public string? MasterId { get; init; }

    /// <summary>Configuration epoch. Of two nodes that claim a slot, the one with the higher epoch owns it.</summary>
    public required long Epoch { get; init; }

    /// <summary>Whether the link to it is up.</summary>
    public required bool IsLinked { get; init; }

    /// <summary>Slots that it owns.</summary>
    public IReadOnlyList<SlotRange> Slots { get; init; } = [];

    /// <summary>Slots that are being moved away, with the identity of the node that gets them. Only a node's own line says that.</summary>
    public IReadOnlyDictionary<int, string> Migrating { get; init; } = new Dictionary<int, string>();

    /// <summary>Slots that it is about to get, with the identity of the node that they come from. Only a node's own line says that.</summary>
    public IReadOnlyDictionary<int, string> Importing { get; init; } = new Dictionary<int, string>();

    /// <summary>Whether the line describes the node that was asked.</summary>
    public bool IsSelf => Flags.Contains("myself");

    /// <summary>Whether it is a master, with or without slots.</summary>
    public bool IsMaster => Flags.Contains("master");

    /// <summary>Whether a majority of the masters has found it failed.</summary>
    public bool IsFailed => Flags.Contains("fail");

    /// <summary>Whether the node that was asked does not reach it, or the majority does not.</summary>
    public bool IsSuspected => IsFailed || Flags.Contains("fail?");

    /// <summary>Whether it is suspected, or another node answers at its address.</summary>
    public bool IsLost => IsSuspected || Flags.Contains("noaddr");

    /// <summary>Whether the two nodes have not been introduced to each other yet, so that even the identity is provisional.</summary>
    public bool IsHandshake => Flags.Contains("handshake");

    /// <summary>Reads an answer to CLUSTER NODES; null: it is not valid.</summary>
    public static IReadOnlyList<ClusterMember>? TryParseAll(string text)
    {
        var members = new List<ClusterMember>();
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (TryParse(line.TrimEnd('\r').Split(' ', StringSplitOptions.RemoveEmptyEntries)) is not { } member)
                return null;
            members.Add(member);
        }

        return members.Count(member => member.IsSelf) == 1 ? members : null;
    }

    // id, address, flags, master, ping, pong, epoch, link, slots.
    private static ClusterMember? TryParse(string[] fields)
    {
        if (
            fields.Length < FirstSlotField
            || fields[0].Length != IdLength
            || !fields[0].All(char.IsAsciiHexDigitLower)
            || !long.TryParse(fields[6], NumberStyles.None, CultureInfo.InvariantCulture, out var epoch)
        )
            return null;
        var slots = new List<SlotRange>();
        var (migrating, importing) = (new Dictionary<int, string>(), new Dictionary<int, string>());
        foreach (var field in fields.Skip(FirstSlotField))
        {
            if (TryParseMark(field, "->-") is var (leaving, to))
                migrating[leaving] = to;
            else if (TryParseMark(field, "-<-") is var (arriving, from))
                importing[arriving] = from;
            else if (SlotRange.TryParse(field) is { } range)
                slots.Add(range);
            else
                return null;
        }

        var address = fields[1].Split(',');
        var port = address[0].LastIndexOf(':');
        return new ClusterMember
        {
            Id = fields[0],
            Ip = port < 0 ? "" : address[0][..port],
            HostName = address.Length > 1 && address[1].Length > 0 ? address[1] : null,
            Flags = fields[2].Split(',').ToHashSet(StringComparer.Ordinal),
            MasterId = fields[3] == "-" ? null : fields[3],
            Epoch = epoch,
            IsLinked = fields[7] == "connected",
            Slots = slots,
            Migrating = migrating,
            Importing = importing,
        };
    }

    // A slot that is being moved: [93-<-id] or [77->-id].
    private static (int Slot, string Id)? TryParseMark(string field, string arrow) =>
        field is ['[', .. var inner, ']'] && inner.Split(arrow) is [var number, { Length: IdLength } id] && SlotRange.TryParse(number) is { Count: 1 } slot
            ? (slot.First, id)
            : null;
}
