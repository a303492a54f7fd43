namespace UrlShortener.TestServers.Redis;

/// <summary>What one node sees of its cluster.</summary>
internal sealed record ClusterView(RedisNode Node, IReadOnlyList<ClusterMember> Members)
{
    /// <summary>The node itself.</summary>
    public ClusterMember Self => Members.First(member => member.IsSelf);

    /// <summary>What is missing until the cluster is whole in this node's eyes; null when nothing is.</summary>
    public string? FindMissing(int size, int masters)
    {
        if (Members.Count != size)
            return $"there are {Members.Count} of {size} nodes";
        if (Members.FirstOrDefault(member => member.IsSuspect) is { } suspect)
            return $"{suspect.Id} is {string.Join(',', suspect.Flags)}";
        var owners = Members.Where(member => member.IsMaster && member.Slots.Count > 0).ToArray();
        if (owners.Length != masters)
            return $"{owners.Length} masters own slots";
        if (owners.Sum(owner => owner.Slots.Sum(range => range.Last - range.First + 1)) != RedisCluster.SlotCount)
            return "slots have no owner";
        return owners.All(owner => Members.Any(member => member.MasterId == owner.Id)) ? null : "a master has no replica";
    }

    /// <summary>Who owns which slots, as a text that is equal for equal opinions.</summary>
    public string SlotMap() =>
        string.Join(
            ';',
            Members
                .Where(member => member.IsMaster)
                .OrderBy(member => member.Id, StringComparer.Ordinal)
                .Select(member => $"{member.Id}:{string.Join(',', member.Slots)}")
        );
}
