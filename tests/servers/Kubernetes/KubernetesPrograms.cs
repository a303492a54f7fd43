using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Kubernetes;

/// <summary>Where the programs of a control plane are on this machine, and which Kubernetes they are.</summary>
internal sealed record KubernetesPrograms(string Etcd, string ApiServer, string ControllerManager, KubernetesVersion Version, bool EtcdMaySkipSync)
{
    /// <summary>The variable by which Kubernetes' own test tools are told where the programs are.</summary>
    public const string Variable = "KUBEBUILDER_ASSETS";

    private const string EtcdName = "etcd";
    private const string ApiServerName = "kube-apiserver";
    private const string ControllerManagerName = "kube-controller-manager";
    private const string WellKnownFolder = "/usr/local/kubebuilder/bin";
    private const string CacheName = "kubernetes-1.20.2";
    private static readonly TimeSpan AskLimit = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan UnpackLimit = TimeSpan.FromMinutes(3);

    /// <summary>The control plane with its own etcd, or the one of the system, where there is none beside it.</summary>
    private static readonly string[] Needed = [ApiServerName, ControllerManagerName];

    /// <summary>Where programs stay that were built here; outside of the checkout, so that cleaning it costs no build.</summary>
    public static string CacheFolder { get; } = Path.Combine(
        Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache
            ? cache
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
        "url-shortener",
        CacheName);

    /// <summary>Finds programs that are there, or that a ready build beside the checkout holds.</summary>
    /// <returns>The programs, or null and the reason why there are none.</returns>
    /// <exception cref="ServerUnavailableException">The variable names a folder that does not hold them.</exception>
    public static async Task<(KubernetesPrograms? Programs, string Reason)> FindAsync(CancellationToken cancellationToken)
    {
        if (!OperatingSystem.IsLinux())
            return (null, "a control plane runs as local processes on Linux only");
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
        {
            return Holds(named)
                ? await InspectAsync(named, cancellationToken)
                : throw new ServerUnavailableException($"{Variable} is {named}, which does not hold {string.Join(" and ", Needed)}. Put them there, or unset it.");
        }

        if (Array.Find([WellKnownFolder, CacheFolder], Holds) is { } ready)
            return await InspectAsync(ready, cancellationToken);
        if (Checkout.Find() is { } checkout && Path.Combine(checkout, "../shared/control-plane/unpack.sh") is var script && File.Exists(script))
        {
            // It asks for etcd itself, and starts nothing when it is there.
            if (await FindEtcdAsync(cancellationToken) is (null, var missing))
                return (null, missing);
            await Tool.RunAsync(["/bin/bash", script, CacheFolder], checkout, UnpackLimit, cancellationToken);
            if (Holds(CacheFolder))
                return await InspectAsync(CacheFolder, cancellationToken);
        }

        return (null, $"neither {Variable}, {WellKnownFolder} nor {CacheFolder} holds {string.Join(" and ", Needed)}");
    }

    /// <summary>Builds the programs from Debian's source package into the cache, where that is possible. It takes about ten minutes, once per machine.</summary>
    /// <returns>The programs, or null and the reason why there are none.</returns>
    public static async Task<(KubernetesPrograms? Programs, string Reason)> BuildAsync(CancellationToken cancellationToken)
    {
        var reason = await ControlPlaneBuild.RunAsync(CacheFolder, cancellationToken);
        return reason is null && Holds(CacheFolder) ? await InspectAsync(CacheFolder, cancellationToken) : (null, reason ?? "the build made no programs");
    }

    private static bool Holds(string folder) => Needed.All(name => File.Exists(Path.Combine(folder, name)));

    private static async Task<(KubernetesPrograms? Programs, string Reason)> InspectAsync(string folder, CancellationToken cancellationToken)
    {
        var etcd = Path.Combine(folder, EtcdName);
        if (!File.Exists(etcd))
        {
            (var found, var reason) = await FindEtcdAsync(cancellationToken);
            if (found is null)
                return (null, reason);
            etcd = found;
        }

        var apiServer = Path.Combine(folder, ApiServerName);
        var version = Tool.RunAsync([apiServer, "--version"], folder, AskLimit, cancellationToken);
        var help = Tool.RunAsync([etcd, "--help"], folder, AskLimit, cancellationToken);
        return (
            new KubernetesPrograms(
                etcd,
                apiServer,
                Path.Combine(folder, ControllerManagerName),
                KubernetesVersion.Parse(await version),
                (await help).Contains("--unsafe-no-fsync", StringComparison.Ordinal)),
            "");
    }

    private static async Task<(string? Path, string Reason)> FindEtcdAsync(CancellationToken cancellationToken)
    {
        var (folder, reason) = await Programs.FindOrInstallAsync([EtcdName], DebianPackages.Etcd, cancellationToken);
        return folder is null ? (null, $"etcd is missing: {reason}") : (Path.Combine(folder, EtcdName), "");
    }
}
