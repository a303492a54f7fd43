using System.Globalization;
using k8s.Models;
using UrlShortener.Contracts;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.Pods;

/// <summary>The settings of the runtime's processes in a region: plain ones for a ConfigMap, secret ones by reference.</summary>
internal static class RuntimeEnvironment
{
    /// <summary>Mount path of the blocklist.</summary>
    public const string BlocklistFolder = "/etc/url-shortener/blocklist";

    /// <summary>Mount path of the certificate authorities of PostgreSQL.</summary>
    public const string PostgresFolder = "/etc/url-shortener/postgres";

    /// <summary>Mount path of the certificate authorities of the Redis that the operator runs.</summary>
    public const string RedisFolder = "/etc/url-shortener/redis";

    /// <summary>Mount path of the folder with the connection string of a store that the operator runs.</summary>
    /// <param name="component">The store.</param>
    public static string ConnectionFolderOf(string component) => $"/etc/url-shortener/connections/{component}";

    // A setting of the .NET host.
    private const string HostStopLimit = "ShutdownTimeoutSeconds";

    /// <summary>How long pods keep serving after SIGTERM, until every kube-proxy and load balancer has removed them.</summary>
    public static readonly TimeSpan DrainDelay = TimeSpan.FromSeconds(10);

    /// <summary>How long a process may take for running requests and queued clicks after the drain. Then it ends, and logs what it discards.</summary>
    public static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(20);

    /// <summary>Plain settings of all processes of a region, as environment variables.</summary>
    public static SortedDictionary<string, string> Plain(V1Alpha1ShortenerRegion owner)
    {
        var region = owner.Spec;
        var settings = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            [Variable(SettingNames.Urls)] = $"http://*:{RuntimePod.Port.ToString(CultureInfo.InvariantCulture)}",
            [Variable(SettingNames.ManagementPort)] = RuntimePod.ManagementPort.ToString(CultureInfo.InvariantCulture),
            [Variable(SettingNames.RegionName)] = region.Region,
            [Variable(SettingNames.PublicBaseUrl)] = (region.Traffic.PublicBaseUrl ?? $"https://{region.Traffic.Hostnames[0]}").TrimEnd('/'),
            [Variable(SettingNames.DrainDelay)] = DrainDelay.ToString("c", CultureInfo.InvariantCulture),
            [HostStopLimit] = ((int)StopLimit.TotalSeconds).ToString(CultureInfo.InvariantCulture),
            // No diagnostic sockets: the file system is read-only.
            ["DOTNET_EnableDiagnostics"] = "0",
        };
        foreach (var (index, host) in region.Traffic.Hostnames.Index())
            settings[Variable($"{SettingNames.OwnHosts}:{index.ToString(CultureInfo.InvariantCulture)}")] = host;
        if (region.App.BlocklistConfigMapRef is { } blocklist)
            settings[Variable(SettingNames.BlocklistPath)] = $"{BlocklistFolder}/{blocklist.Key}";
        if (region.Redis is not null)
            settings[Variable(SettingNames.RedisCertificateAuthorityPath)] = $"{RedisFolder}/{StoreConnections.BundleFile}";
        // Files and not variables: processes take a new password without a restart.
        if (region.Postgres is not null)
            settings[Variable(SettingNames.PostgresPath)] = $"{ConnectionFolderOf(Names.Postgres)}/{StoreConnections.PostgresOf(owner)!.Key}";
        if (region.Redis is not null)
            settings[Variable(SettingNames.RedisPath)] = $"{ConnectionFolderOf(Names.Redis)}/{StoreConnections.RedisOf(owner)!.Key}";
        foreach (var setting in region.App.Settings.Where(setting => setting.Value is not null))
            settings[Variable(setting.Name)] = setting.Value!;
        return settings;
    }

    /// <summary>Whether the applied settings of a region are those of its specification.</summary>
    /// <param name="settings">The ConfigMap; null: there is none.</param>
    /// <param name="region">The region.</param>
    public static bool IsIn(V1ConfigMap? settings, V1Alpha1ShortenerRegion region) =>
        settings?.Data is { } data && Plain(region).All(setting => data.TryGetValue(setting.Key, out var value) && value == setting.Value);

    /// <summary>Secret settings of all processes of a region.</summary>
    public static IReadOnlyList<V1EnvVar> Secret(V1Alpha1ShortenerRegion region)
    {
        var variables = new List<V1EnvVar>();
        if (region.Spec.Postgres is null && StoreConnections.PostgresOf(region) is { } postgres)
            variables.Add(From(SettingNames.Postgres, postgres));
        if (region.Spec.Redis is null && StoreConnections.RedisOf(region) is { } redis)
            variables.Add(From(SettingNames.Redis, redis));
        variables.AddRange(region.Spec.App.Settings.Where(setting => setting.SecretRef is not null).Select(setting => From(setting.Name, setting.SecretRef!)));
        return variables;
    }

    /// <summary>The Secret keys that the processes of a region read.</summary>
    public static IReadOnlyList<SecretKeyRef> SecretsOf(V1Alpha1ShortenerRegion region) =>
        [
            .. new[] { StoreConnections.PostgresOf(region), StoreConnections.RedisOf(region) }.OfType<SecretKeyRef>(),
            .. region.Spec.App.Settings.Select(setting => setting.SecretRef).OfType<SecretKeyRef>(),
        ];

    /// <summary>A secret setting.</summary>
    public static V1EnvVar From(string setting, SecretKeyRef secret) =>
        new()
        {
            Name = Variable(setting),
            ValueFrom = new V1EnvVarSource
            {
                SecretKeyRef = new V1SecretKeySelector { Name = secret.Name, Key = secret.Key },
            },
        };

    /// <summary>The environment variable of a setting: <c>:</c> becomes <c>__</c>.</summary>
    public static string Variable(string setting) => setting.Replace(":", "__", StringComparison.Ordinal);
}
