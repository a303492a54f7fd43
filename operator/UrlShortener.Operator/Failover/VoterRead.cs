using k8s.Models;

namespace UrlShortener.Operator.Failover;

/// <summary>What reading a voter told.</summary>
/// <param name="Record">Its record; null: it has none, or did not answer.</param>
/// <param name="Map">The ConfigMap as it was read; null: there is none, or it did not answer.</param>
/// <param name="Failure">Why it cannot vote; null: it can, or has lost its record.</param>
/// <param name="IsRefusal">Whether its API server answered, and refused the request.</param>
internal sealed record VoterRead(VoterRecord? Record, V1ConfigMap? Map, string? Failure, bool IsRefusal = false)
{
    /// <summary>Whether its ballot is none that attempts can have reached (<see cref="FarVotes"/>), so that no attempt asks it.</summary>
    public bool IsFar { get; init; }

    /// <summary>Whether it answered that it has no record.</summary>
    public bool IsMissing => Record is null && Failure is null;

    /// <summary>Reads a ConfigMap.</summary>
    /// <param name="map">The ConfigMap; null: there is none.</param>
    /// <param name="owner">Identifier of the database that it must be about; null: that of its region.</param>
    public static VoterRead Of(V1ConfigMap? map, string? owner = null) =>
        owner is not null && map?.Data?.TryGetValue(Witness.OwnerKey, out var other) == true && other != owner
            ? new VoterRead(
                null,
                map,
                $"ConfigMap {map.Metadata.NamespaceProperty}/{map.Metadata.Name} has the vote about database {other}, and that of this group is {owner}. Give each group a "
                    + "name of its own. If the other one is gone, delete the data of the ConfigMap."
            )
        : map?.Data is not { } data || !data.TryGetValue(VoterPlace.VoterKey, out var text) ? new VoterRead(null, map, null)
        : VoterText.Read(text) is { } record ? new VoterRead(record, map, null)
        : new VoterRead(
            null,
            map,
            $"ConfigMap {map.Metadata.NamespaceProperty}/{map.Metadata.Name} has a {VoterPlace.VoterKey} that is not understood. Delete that key: the operator writes it again."
        );
}
