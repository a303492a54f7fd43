using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using k8s.Models;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Events;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.Redis;

/// <summary>
/// The Secrets of a region's Redis: the passwords of the nodes, and the configuration with which the app connects. The passwords outlive the deletion or an edit
/// of their Secret: the nodes still have the old ones.
/// </summary>
internal sealed class RedisSecrets(ResourceClient client, EventRecorder events)
{
    // By UID of the region. Versions of the Secrets in the cache, so that a change is noticed.
    private readonly ConcurrentDictionary<string, (RedisPasswords Passwords, string? Versions)> _known = new();

    /// <summary>The passwords; creates or repairs their Secret.</summary>
    /// <param name="region">The region.</param>
    /// <param name="cached">The Secret in the cache, with digests instead of values; null: none.</param>
    /// <param name="cancellationToken">Ends the requests.</param>
    public async Task<(RedisPasswords? Passwords, Obstacle? Obstacle)> EnsurePasswordAsync(
        V1Alpha1ShortenerRegion region,
        V1Secret? cached,
        CancellationToken cancellationToken
    )
    {
        if (_known.TryGetValue(region.Metadata.Uid, out var known) && cached is not null && known.Versions == cached.Metadata.ResourceVersion)
            return (known.Passwords, null);
        var name = Names.Of(region.Metadata.Name, RedisResources.AuthSuffix);
        var live = await ReadAsync(region, name, cancellationToken);
        if (live is not null && !IsOurs(live, region, RedisResources.AuthSuffix))
            return (null, Applier.NameTaken($"Secret {name}", live));
        var stored = RedisPasswords.Of(live?.Data);
        var passwords = known.Passwords ?? await ChooseAsync(region, stored, cancellationToken) ?? new RedisPasswords(Passwords.Create());
        var wanted = BuildAuth(region, passwords);
        if (!HasData(live, passwords) || !Owned.IsControlledBy(live!, region) || !Owned.HasLabels(live!, wanted))
        {
            (live, var refused) = await WriteAsync(region, wanted, live, cancellationToken);
            // Such as that of a Secret that is immutable. Who knows the passwords of the nodes can go on looking after them.
            if (refused is not null)
                return (known.Passwords, refused);
            var (reason, note) = (known.Passwords, stored) switch
            {
                (not null, _) => ("PasswordStored", $"Secret {name} was deleted or changed, and has the password of Redis again."),
                (_, not null) when stored.Former != passwords.Former => (
                    "PasswordChanged",
                    $"Secret {name} has another password than the app. The nodes get it, as in a rotation."
                ),
                _ => ("PasswordStored", $"Secret {name} has the password of Redis."),
            };
            events.Record(region, EventSeverity.Normal, reason, "Update", note);
        }

        _known[region.Metadata.Uid] = (passwords, live!.Metadata.ResourceVersion);
        return (passwords, null);
    }

    /// <summary>The passwords with which the nodes can be asked, without a change of their Secret; null: nobody knows them.</summary>
    /// <param name="region">The region.</param>
    /// <param name="cancellationToken">Ends the requests.</param>
    public async Task<RedisPasswords?> FindPasswordAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        if (_known.TryGetValue(region.Metadata.Uid, out var known))
            return known.Passwords;
        var live = await ReadAsync(region, Names.Of(region.Metadata.Name, RedisResources.AuthSuffix), cancellationToken);
        var isOurs = live is not null && IsOurs(live, region, RedisResources.AuthSuffix);
        if (await ChooseAsync(region, isOurs ? RedisPasswords.Of(live!.Data) : null, cancellationToken) is not { } passwords)
            return null;
        // Whether the Secret has to be written is looked at when that may be done.
        _known[region.Metadata.Uid] = (passwords, null);
        return passwords;
    }

    /// <summary>Makes a new password, which the nodes are to accept first.</summary>
    /// <param name="region">The region.</param>
    /// <param name="former">The passwords until now.</param>
    /// <param name="request">The request that it is made for.</param>
    /// <param name="cancellationToken">Ends the requests.</param>
    public async Task<Obstacle?> RotateAsync(V1Alpha1ShortenerRegion region, RedisPasswords former, string request, CancellationToken cancellationToken)
    {
        var refused = await StoreAsync(region, former with { Next = Passwords.Create(), Request = request }, cancellationToken);
        if (refused is null)
            events.Record(
                region,
                EventSeverity.Normal,
                "PasswordRotationStarted",
                "Update",
                "Redis gets a new password. The former one works until no process of the app uses it."
            );
        return refused;
    }

    /// <summary>Writes the passwords of the next part of a rotation.</summary>
    public async Task<Obstacle?> StoreAsync(V1Alpha1ShortenerRegion region, RedisPasswords passwords, CancellationToken cancellationToken)
    {
        var name = Names.Of(region.Metadata.Name, RedisResources.AuthSuffix);
        var live = await ReadAsync(region, name, cancellationToken);
        if (live is not null && !IsOurs(live, region, RedisResources.AuthSuffix))
            return Applier.NameTaken($"Secret {name}", live);
        // Somebody has changed or deleted it meanwhile: it is repaired first.
        if (!_known.TryGetValue(region.Metadata.Uid, out var known) || !HasData(live, known.Passwords))
            return null;
        (live, var refused) = await WriteAsync(region, BuildAuth(region, passwords), live, cancellationToken);
        if (refused is null)
            _known[region.Metadata.Uid] = (passwords, live!.Metadata.ResourceVersion);
        return refused;
    }

    /// <summary>Writes the Secret with which the app connects, unless it is as desired.</summary>
    public async Task<Obstacle?> EnsureConnectionAsync(
        V1Alpha1ShortenerRegion region,
        RedisPasswords passwords,
        V1Secret? cached,
        CancellationToken cancellationToken
    )
    {
        var data = new Dictionary<string, byte[]> { [ConnectionSecretRef.DefaultKey] = Encoding.UTF8.GetBytes(ConnectionOf(region, passwords.Current)) };
        // No pod mounts it: a node that has just started may accept it alone, and the other Secret may be lost.
        if (passwords.Former is { } former)
            data[RedisPasswords.FormerKey] = Encoding.UTF8.GetBytes(former);
        // The cache has digests instead of values.
        if (
            cached is not null
            && Owned.IsControlledBy(cached, region)
            && Owned.HasLabels(cached, Build(region, RedisResources.ConnectionSuffix, data))
            && cached.Data?.Count == data.Count
            && data.All(entry => cached.Data.TryGetValue(entry.Key, out var digest) && digest.AsSpan().SequenceEqual(SHA256.HashData(entry.Value)))
        )
            return null;
        var name = Names.Of(region.Metadata.Name, RedisResources.ConnectionSuffix);
        var live = await ReadAsync(region, name, cancellationToken);
        if (live is not null && !IsOurs(live, region, RedisResources.ConnectionSuffix))
            return Applier.NameTaken($"Secret {name}", live);
        return (await WriteAsync(region, Build(region, RedisResources.ConnectionSuffix, data), live, cancellationToken)).Refused;
    }

    /// <summary>
    /// The configuration of StackExchange.Redis. It names pods and not addresses, so that it stays the same when all addresses
    /// change.
    /// </summary>
    public static string ConnectionOf(V1Alpha1ShortenerRegion region, string password) =>
        string.Join(',', RedisNames.LastingPodsOf(region).Select(pod => $"{pod}.{RedisNames.HostOf(region)}:{RedisNames.Port}"))
        + $",password={password},ssl=true,sslHost={RedisNames.HostOf(region)},abortConnect=false";

    /// <summary>Forgets the password of a deleted region.</summary>
    public void Forget(V1Alpha1ShortenerRegion region) => _known.TryRemove(region.Metadata.Uid, out _);

    private static bool HasData(V1Secret? live, RedisPasswords passwords) =>
        live?.Data is { } data
        && passwords.Build() is var wanted
        && data.Count == wanted.Count
        && wanted.All(entry => data.TryGetValue(entry.Key, out var value) && value.AsSpan().SequenceEqual(entry.Value));

    private static V1Secret BuildAuth(V1Alpha1ShortenerRegion region, RedisPasswords passwords) => Build(region, RedisResources.AuthSuffix, passwords.Build());

    private static V1Secret Build(V1Alpha1ShortenerRegion region, string suffix, Dictionary<string, byte[]> data) =>
        new()
        {
            Metadata = Owned.Metadata(region, suffix, Names.Redis),
            Type = "Opaque",
            Data = data,
        };

    private static bool IsOurs(V1Secret live, V1Alpha1ShortenerRegion region, string suffix) =>
        Owned.IsControlledBy(live, region) || Owned.IsOrphan(live, Build(region, suffix, []));

    // Of a process that has just started.
    private async Task<RedisPasswords?> ChooseAsync(V1Alpha1ShortenerRegion region, RedisPasswords? stored, CancellationToken cancellationToken)
    {
        var (used, former) = await FindInConnectionAsync(region, cancellationToken);
        return RedisPasswords.Choose(stored, used, former);
    }

    private async Task<(string? Used, string? Former)> FindInConnectionAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken)
    {
        const string Password = "password=";
        var secret = await ReadAsync(region, Names.Of(region.Metadata.Name, RedisResources.ConnectionSuffix), cancellationToken);
        if (
            secret is null
            || !IsOurs(secret, region, RedisResources.ConnectionSuffix)
            || SecretText.In(secret.Data, ConnectionSecretRef.DefaultKey) is not { } text
        )
            return (null, null);
        var found = text.Split(',').FirstOrDefault(part => part.StartsWith(Password, StringComparison.Ordinal))?[Password.Length..];
        var former = SecretText.In(secret.Data, RedisPasswords.FormerKey);
        return (RedisPasswords.IsOfUse(found) ? found : null, RedisPasswords.IsOfUse(former) ? former : null);
    }

    private Task<V1Secret?> ReadAsync(V1Alpha1ShortenerRegion region, string name, CancellationToken cancellationToken) =>
        client.GetAsync<V1Secret>(new ObjectKey(region.Metadata.NamespaceProperty, name), cancellationToken);

    private async Task<(V1Secret? Live, Obstacle? Refused)> WriteAsync(
        V1Alpha1ShortenerRegion region,
        V1Secret secret,
        V1Secret? live,
        CancellationToken cancellationToken
    )
    {
        try
        {
            if (live is null)
                return (await client.CreateAsync(secret, FieldManagers.Operator, cancellationToken), null);
            secret.Metadata.ResourceVersion = live.Metadata.ResourceVersion;
            return (await client.ApplyAsync(secret, FieldManagers.Operator, force: true, cancellationToken), null);
        }
        catch (ApiException refused) when (refused.IsRefusal)
        {
            return (null, Applier.Refused(events, region, $"Secret {secret.Metadata.Name}", refused));
        }
    }
}
