using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Status;

/// <summary>Observed state of a region's PostgreSQL. Without positions: they would cause a write per reconcile, and are metrics.</summary>
internal sealed record PostgresStatus
{
    /// <summary>The member that holds Patroni's lock and accepts writes; null: none.</summary>
    [Description("Member that is the primary and accepts writes. Absent while there is none.")]
    [Length(0, 63)]
    public string? Primary { get; init; }

    /// <summary>The member that holds Patroni's lock and follows the primary region; null: none.</summary>
    [Description(
        "Member of a standby region that receives the changes of the primary region, and from which the other members receive them. Absent in a primary region."
    )]
    [Length(0, 63)]
    public string? StandbyLeader { get; init; }

    /// <summary>PostgreSQL's version, such as 17.2; null: not known.</summary>
    [Description("Version of PostgreSQL, such as 17.2.")]
    [Length(0, 16)]
    public string? Version { get; init; }

    /// <summary>Timeline of the primary: it increases with each failover.</summary>
    [Description("Timeline of the primary. Each failover increases it.")]
    public int? Timeline { get; init; }

    /// <summary>Identifier of the database cluster.</summary>
    [Description("Identifier that PostgreSQL gave the database cluster when it was created.")]
    [Length(0, 32)]
    public string? SystemIdentifier { get; init; }

    /// <summary>Members that serve: the primary and the replicas that stream.</summary>
    [Description("Number of members that serve: the primary, and the replicas that receive its changes.")]
    public int? ReadyInstances { get; init; }

    /// <summary>The members.</summary>
    [Description("Members, as they answer.")]
    [Length(0, 16)]
    [ListMap("name")]
    public IReadOnlyList<PostgresInstance>? Instances { get; init; }

    /// <summary>The request to move the primary role; null: none.</summary>
    [Description("What became of the annotation urlshortener.dev/switchover. Absent without it.")]
    public PostgresSwitchoverStatus? Switchover { get; init; }

    /// <summary>The request to replace the app's password; null: none.</summary>
    [Description("What became of the annotation urlshortener.dev/rotate-passwords. Absent before the first one.")]
    public PasswordRotationStatus? PasswordRotation { get; init; }

    /// <summary>Public certificates of the authorities of the members; null: no other region of the group needs them.</summary>
    [Description("Public certificates of the authorities that sign those of the members, as PEM. Other regions of the group trust them.")]
    [Length(0, 16_384)]
    public string? Authorities { get; init; }

    /// <summary>Where a standby region waits that receives nothing; null: it receives changes, or is none.</summary>
    [Description("Position in the write-ahead log, in bytes, up to which a standby region has changes that receives none. Absent while it receives changes.")]
    public long? WaitsAt { get; init; }

    /// <summary>The role that the app of a standby region uses; null: not known, or it is none.</summary>
    [Description("Role of PostgreSQL with which the app of a standby region connects, and no longer with another one. Absent in a primary region.")]
    [Length(0, 63)]
    public string? AppRole { get; init; }

    /// <summary>The regions that follow this one; null: none does.</summary>
    [Description("Regions that follow this one.")]
    [Length(0, 16)]
    [ListMap("region")]
    public IReadOnlyList<PostgresStandby>? Standbys { get; init; }

    /// <summary>Files of saved changes on the members' volumes; null: none.</summary>
    [Description(
        "Files on the volumes of members with changes that only this region had when another one became the primary. They stay until somebody removes them."
    )]
    [Length(0, 32)]
    public IReadOnlyList<PostgresSavedChanges>? SavedChanges { get; init; }

    /// <summary>The last move of the primary role; null: none was seen.</summary>
    [Description("Last move of the primary role to another member.")]
    public PostgresFailoverStatus? LastFailover { get; init; }
}

/// <summary>A member of a region's PostgreSQL.</summary>
internal sealed record PostgresInstance
{
    /// <summary>Its pod.</summary>
    [Description("Name of the member: that of its pod.")]
    [Required]
    [Length(1, 63)]
    public string Name { get; init; } = "";

    /// <summary>Its role; null: it does not answer.</summary>
    [Description("Role that the member reports: primary or replica. Absent if it does not answer.")]
    [Length(0, 32)]
    public string? Role { get; init; }

    /// <summary>State of its PostgreSQL.</summary>
    [Description("State of PostgreSQL that the member reports, such as running, starting or streaming; unreachable if it does not answer.")]
    [Length(0, 64)]
    public string? State { get; init; }
}

/// <summary>A file of changes that only one member had.</summary>
internal sealed record PostgresSavedChanges
{
    /// <summary>The member whose volume has it.</summary>
    [Description("Member whose volume has the file.")]
    [Required]
    [Length(1, 63)]
    public string Member { get; init; } = "";

    /// <summary>Its name.</summary>
    [Description("Name of the file, for shortener-saved in that member.")]
    [Required]
    [Length(1, 64)]
    public string File { get; init; } = "";

    /// <summary>How many changes it has.</summary>
    [Description("Number of changes in it.")]
    public long? Count { get; init; }

    /// <summary>When it was written.</summary>
    [Description("Time at which they were saved.")]
    [Length(0, 32)]
    public string? At { get; init; }
}

/// <summary>A region that follows another one.</summary>
internal sealed record PostgresStandby
{
    /// <summary>The region.</summary>
    [Description("Name of the region.")]
    [Required]
    [Length(1, 63)]
    public string Region { get; init; } = "";

    /// <summary>One of <see cref="StandbyState"/>.</summary>
    [Description(
        "Streaming: it receives changes. Away: it does not, and they are kept for it. Lost: it needs changes that the primary no longer has, and must copy the database anew."
    )]
    [OneOf(StandbyState.Streaming, StandbyState.Away, StandbyState.Lost)]
    public string State { get; init; } = StandbyState.Away;
}

/// <summary>Values of <see cref="PostgresStandby.State"/>.</summary>
internal static class StandbyState
{
    /// <summary>It receives changes.</summary>
    public const string Streaming = nameof(Streaming);

    /// <summary>It does not, and they are kept for it.</summary>
    public const string Away = nameof(Away);

    /// <summary>They are not kept any more.</summary>
    public const string Lost = nameof(Lost);
}

/// <summary>A move of the primary role.</summary>
internal sealed record PostgresFailoverStatus
{
    /// <summary>The former primary.</summary>
    [Description("Former primary.")]
    [Length(0, 63)]
    public string? From { get; init; }

    /// <summary>The new primary.</summary>
    [Description("New primary.")]
    [Length(0, 63)]
    public string? To { get; init; }

    /// <summary>Why.</summary>
    [Description(
        "Assisted: the operator started the election, because the primary was proven dead. Native: the members elected by themselves. Planned: the operator asked for it."
    )]
    [OneOf("Native", "Assisted", "Planned")]
    public string? Cause { get; init; }

    /// <summary>When the new primary accepted writes.</summary>
    [Description("Time at which the new primary accepted writes.")]
    public DateTime? At { get; init; }

    /// <summary>From the loss of the former primary.</summary>
    [Description("Milliseconds from the moment at which the operator saw no primary until the new one accepted writes. Of a planned move from the request on.")]
    public int? DurationMillis { get; init; }
}

/// <summary>What became of a request to move the primary role.</summary>
internal sealed record PostgresSwitchoverStatus
{
    /// <summary>The value of the annotation.</summary>
    [Description("Value of the annotation.")]
    [Length(0, 128)]
    public string Request { get; init; } = "";

    /// <summary>One of <see cref="SwitchoverState"/>.</summary>
    [Description("Started: the primary moves. Done: it has moved. Refused: it stays; the same request does not run again.")]
    [OneOf(SwitchoverState.Started, SwitchoverState.Done, SwitchoverState.Refused)]
    public string State { get; init; } = SwitchoverState.Started;

    /// <summary>A sentence for people.</summary>
    [Description("Who is or becomes the primary, or why it stays.")]
    [Length(0, 512)]
    public string Message { get; init; } = "";
}

/// <summary>Values of <see cref="PostgresSwitchoverStatus.State"/>.</summary>
internal static class SwitchoverState
{
    /// <summary>The primary moves.</summary>
    public const string Started = nameof(Started);

    /// <summary>It has moved.</summary>
    public const string Done = nameof(Done);

    /// <summary>It stays.</summary>
    public const string Refused = nameof(Refused);
}
