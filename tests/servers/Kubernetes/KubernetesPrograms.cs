using System.Runtime.InteropServices;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Kubernetes;

/// <summary>Where the programs of a control plane are on this machine, and which Kubernetes they are.</summary>
internal sealed record KubernetesPrograms(string Etcd, string ApiServer, string ControllerManager, KubernetesVersion Version)
{
    /// <summary>The variable with which Kubernetes' own test tools name the folder of the programs.</summary>
    public const string FolderVariable = "KUBEBUILDER_ASSETS";

    /// <summary>The variable with which Kubernetes' own test tools name a version.</summary>
    public const string VersionVariable = "ENVTEST_K8S_VERSION";

    private const string DefaultVersion = "1.37";
    private const string EtcdName = "etcd";
    private const string ApiServerName = "kube-apiserver";
    private const string ControllerManagerName = "kube-controller-manager";
    private const string KubectlName = "kubectl";
    private const string UnpackScript = "../shared/control-plane/unpack.sh";
    private const string WellKnownFolder = "/usr/local/kubebuilder/bin";
    private static readonly string[] Needed = [EtcdName, ApiServerName, ControllerManagerName];
    private static readonly TimeSpan AskLimit = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan UnpackLimit = TimeSpan.FromMinutes(3);

    /// <summary>The command beside them, of the same version; else the one of the PATH.</summary>
    public string Kubectl =>
        Path.Combine(Path.GetDirectoryName(ApiServer)!, KubectlName) is var own && File.Exists(own) ? own
        : Programs.FindFolder([KubectlName]) is { } folder ? Path.Combine(folder, KubectlName)
        : throw new ServerUnavailableException($"There is no {KubectlName} beside {ApiServer}.");

    /// <summary>Finds installed programs, else unpacks a ready build beside the checkout, else downloads what Kubernetes publishes for tests.</summary>
    /// <returns>The programs, or null and the reason why there are none.</returns>
    /// <exception cref="ServerUnavailableException">A variable names a folder that lacks a program, or the version is too old.</exception>
    public static async Task<(KubernetesPrograms? Programs, string Reason)> FindAsync(CancellationToken cancellationToken)
    {
        if (!OperatingSystem.IsLinux())
            return (null, "a control plane runs as local processes on Linux only");
        if (Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } named)
        {
            return Holds(named)
                ? (await InspectAsync(named, cancellationToken), "")
                : throw new ServerUnavailableException(
                    $"{FolderVariable} is {named}, which lacks {string.Join(", ", Missing(named))}. Put the programs there, or unset it."
                );
        }

        if (Holds(WellKnownFolder))
            return (await InspectAsync(WellKnownFolder, cancellationToken), "");
        if (await UnpackAsync(cancellationToken) is { } unpacked)
            return (await InspectAsync(unpacked, cancellationToken), "");
        var (downloaded, failure) = await DownloadAsync(cancellationToken);
        return downloaded is not null
            ? (await InspectAsync(downloaded, cancellationToken), "")
            : (
                null,
                $"neither {FolderVariable} nor {WellKnownFolder} contains {string.Join(", ", Needed)}; there is no {UnpackScript} beside the checkout; {failure}"
            );
    }

    // Outside of the checkout, so that cleaning it unpacks nothing again.
    private static async Task<string?> UnpackAsync(CancellationToken cancellationToken)
    {
        if (Checkout.Find() is not { } checkout || Path.Combine(checkout, UnpackScript) is var script && !File.Exists(script))
            return null;
        var (version, folder) = (Wanted(), FolderOf(Wanted()));
        if (Holds(folder))
            return folder;
        // Whoever unpacks at the same time must not write into a program that another one has begun to run.
        var partial = $"{folder}.{Guid.NewGuid():N}.part";
        try
        {
            await Tool.RunAsync(["/bin/bash", script, version, partial], checkout, UnpackLimit, cancellationToken);
            if (Directory.Exists(folder) && !Holds(folder))
                Directory.Delete(folder, recursive: true);
            Directory.Move(partial, folder);
        }
        // Another one was faster.
        catch (IOException) when (Holds(folder)) { }
        finally
        {
            if (Directory.Exists(partial))
                Directory.Delete(partial, recursive: true);
        }

        return Holds(folder) ? folder : null;
    }

    private static async Task<(string? Folder, string Failure)> DownloadAsync(CancellationToken cancellationToken)
    {
        if (EnvtestSource.Find(Wanted(), RuntimeInformation.OSArchitecture) is not { } source)
            return (null, $"no download of Kubernetes {Wanted()} is pinned for {RuntimeInformation.OSArchitecture}");
        var folder = FolderOf(source.Version);
        if (Holds(folder))
            return (folder, "");
        var failure = await EnvtestDownload.RunOnceAsync(source, folder, cancellationToken);
        // Another process may have been faster.
        return failure is null || Holds(folder) ? (folder, "") : (null, failure);
    }

    private static string Wanted() => Environment.GetEnvironmentVariable(VersionVariable) is { Length: > 0 } wanted ? wanted : DefaultVersion;

    private static string FolderOf(string version) => ToolCache.PathOf($"kubernetes-{version}");

    private static IEnumerable<string> Missing(string folder) => Needed.Where(name => !File.Exists(Path.Combine(folder, name)));

    private static bool Holds(string folder) => !Missing(folder).Any();

    private static async Task<KubernetesPrograms> InspectAsync(string folder, CancellationToken cancellationToken)
    {
        var apiServer = Path.Combine(folder, ApiServerName);
        var version = KubernetesVersion.Parse(await Tool.RunAsync([apiServer, "--version"], folder, AskLimit, cancellationToken));
        return version.IsSupported
            ? new KubernetesPrograms(Path.Combine(folder, EtcdName), apiServer, Path.Combine(folder, ControllerManagerName), version)
            : throw new ServerUnavailableException($"{folder} holds Kubernetes {version}; the operator supports {KubernetesVersion.Oldest} and newer.");
    }
}
