using k8s.Models;

namespace UrlShortener.Operator.Postgres;

/// <summary>
/// Replaces members whose token is of a service account that is gone: somebody deleted it, and the operator created another one. The API server refuses such a
/// token, so that the primary demotes itself and nobody can be elected. A kubelet renews it in the course of an hour; another pod has a valid one at once. Pure.
/// </summary>
internal static class TokenRenewal
{
    // That of a projected token. It is renewed before its end.
    private static readonly TimeSpan TokenLifetime = TimeSpan.FromHours(1);

    // The API server may accept a token for some seconds longer, and members look every few seconds.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    // A pod that does not start does not hold up the others: they cannot do anything either.
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(2);

    /// <summary>The next member to replace, one at a time, the holder of the lock last; null: none.</summary>
    /// <param name="observed">The observed state.</param>
    /// <param name="now">The time.</param>
    public static RolloutStep.Renew? Next(ObservedPostgres observed, DateTimeOffset now)
    {
        if (observed.ServiceAccount is not { Metadata.CreationTimestamp: { } created } account)
            return null;
        var age = now.UtcDateTime - created.ToUniversalTime();
        if (age < Patience || age > TokenLifetime)
            return null;
        var old = observed.Pods.Where(pod => IsOlder(pod, account)).ToList();
        var isBusy = old.Any(IsEnding) || observed.Pods.Except(old).Any(pod => IsStarting(pod, observed, now));
        return isBusy
            ? null
            : old.Select(pod => pod.Metadata.Name)
                .Where(name => !observed.Serves(name))
                .OrderBy(name => name == observed.Lock?.Leader)
                .ThenByDescending(name => name, StringComparer.Ordinal)
                .Select(name => new RolloutStep.Renew(name, $"service account {account.Metadata.Name} was deleted, and with it the token of the pod"))
                .FirstOrDefault();
    }

    /// <summary>Whether a pod was created before its service account.</summary>
    /// <param name="pod">The pod.</param>
    /// <param name="account">The service account.</param>
    public static bool IsOlder(V1Pod pod, V1ServiceAccount account) =>
        pod.Metadata.CreationTimestamp is { } pods && account.Metadata.CreationTimestamp is { } accounts && pods.ToUniversalTime() < accounts.ToUniversalTime();

    private static bool IsEnding(V1Pod pod) => pod.Metadata.DeletionTimestamp is not null;

    private static bool IsStarting(V1Pod pod, ObservedPostgres observed, DateTimeOffset now) =>
        IsEnding(pod)
        || (
            !observed.Members.ContainsKey(pod.Metadata.Name)
            && pod.Metadata.CreationTimestamp is { } created
            && now.UtcDateTime - created.ToUniversalTime() < StartLimit
        );
}
