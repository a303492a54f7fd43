using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Redis;

/// <summary>
/// The rules of <c>spec.redis</c> between fields, or between the old and the new specification. Each CEL rule has a counterpart here with a longer message.
/// Rules on quantities exist only here.
/// </summary>
internal static class RedisRules
{
    // Above it, an election takes longer than 5 s (docs/redis.md).
    private const int FastTimeout = 1_750;
    private const int Major = 7;
    private const decimal MinMemory = 64 * 1024 * 1024;
    private const decimal MaxMemory = 1024L * 1024 * 1024 * 1024;

    /// <summary>All problems.</summary>
    /// <param name="spec">The specification.</param>
    /// <param name="oldSpec">The specification that it replaces; null: none, or not known.</param>
    public static IEnumerable<SpecProblem> Check(RegionSpec spec, RegionSpec? oldSpec = null)
    {
        if (spec.Redis is not { } redis)
            return [];
        return
        [
            .. CheckSource(spec),
            .. CheckImage(redis.Image),
            .. CheckMemory(redis),
            .. ResourceRules.Check("spec.redis.resources", redis.Resources),
            .. KeyRules.Check("spec.redis.nodeSelector", redis.NodeSelector.Keys),
            .. TolerationRules.Check("spec.redis.tolerations", redis.Tolerations),
            .. oldSpec?.Redis is { } former ? CheckChange(redis, former) : [],
        ];
    }

    /// <summary>Warnings about values that are valid but probably unintended, or that have a cost; sentences.</summary>
    public static IEnumerable<string> Warnings(RegionSpec spec)
    {
        if (spec.Redis is not { } redis)
            yield break;
        if (ImageNames.WarnAbout("spec.redis.image", redis.Image) is { } image)
            yield return image;
        if (redis.NodeTimeoutMillis > FastTimeout)
            yield return $"spec.redis.nodeTimeoutMillis is {redis.NodeTimeoutMillis}. Above {FastTimeout}, a failover without the operator may take longer than 5 s.";
        if (redis.Resources.Limits.TryGetValue("memory", out var limit) && limit.ToDecimal() < redis.MaxMemory.ToDecimal() * 3 / 2)
            yield return $"spec.redis.resources.limits has memory {limit}, less than one and a half times spec.redis.maxMemory ({redis.MaxMemory}). Redis may exceed "
                + "it while it writes its file anew or a replica copies its data, and is then killed. Raise the limit.";
        if (redis.Resources.Requests.TryGetValue("memory", out var request) && request.ToDecimal() < redis.MaxMemory.ToDecimal())
            yield return $"spec.redis.resources.requests has memory {request}, less than spec.redis.maxMemory ({redis.MaxMemory}). Kubernetes may place the pods where "
                + "that memory is missing. Raise the request.";
        if (redis.Storage.Size.ToDecimal() < redis.MaxMemory.ToDecimal() * 3)
            yield return $"spec.redis.storage.size is {redis.Storage.Size}, less than three times spec.redis.maxMemory ({redis.MaxMemory}). The volume may become "
                + "full while Redis writes its file anew.";
    }

    private static IEnumerable<SpecProblem> CheckSource(RegionSpec spec)
    {
        if (spec.Connections.RedisSecretRef is not null)
            yield return new(
                "spec.redis",
                "and spec.connections.redisSecretRef are both set. Remove redisSecretRef to use the Redis that the operator runs, or remove redis to use yours."
            );
    }

    // Tags of other repositories may count anything.
    private static IEnumerable<SpecProblem> CheckImage(string image)
    {
        if (ImageNames.MajorOf(image, "redis") is { } major && major != Major)
            yield return new("spec.redis.image", $"is {image}, version {major} of Redis. Use version {Major}: the files of another one cannot be read by it.");
    }

    private static IEnumerable<SpecProblem> CheckMemory(RedisSpec redis)
    {
        if (redis.MaxMemory.ToDecimal() is < MinMemory or > MaxMemory)
            yield return new("spec.redis.maxMemory", $"is {redis.MaxMemory}. Use 64Mi to 1Ti.");
        // Redis writes its file anew beside the old one.
        if (redis.Storage.Size.ToDecimal() < MinMemory)
            yield return new("spec.redis.storage.size", $"is {redis.Storage.Size}. Use 64Mi or more, and better three times spec.redis.maxMemory.");
        if (redis.Resources.Limits.TryGetValue("memory", out var limit) && limit.ToDecimal() <= redis.MaxMemory.ToDecimal())
            yield return new(
                "spec.redis.resources.limits",
                $"has memory {limit}, which is not above spec.redis.maxMemory ({redis.MaxMemory}). Redis would be killed. Raise the limit, or lower maxMemory."
            );
    }

    private static IEnumerable<SpecProblem> CheckChange(RedisSpec redis, RedisSpec former)
    {
        if (redis.Storage.Size.ToDecimal() != former.Storage.Size.ToDecimal())
            yield return new("spec.redis.storage.size", $"cannot be changed from {former.Storage.Size} to {redis.Storage.Size}. {Instead}");
        if (redis.Storage.StorageClassName != former.Storage.StorageClassName)
            yield return new(
                "spec.redis.storage.storageClassName",
                $"cannot be changed from {former.Storage.StorageClassName ?? "the default"} to {redis.Storage.StorageClassName ?? "the default"}. {Instead}"
            );
    }

    private const string Instead =
        "Remove spec.redis, wait until its pods are gone, delete its volumes, and set it again with the new value: Redis holds nothing that cannot be restored "
        + "from PostgreSQL.";
}
