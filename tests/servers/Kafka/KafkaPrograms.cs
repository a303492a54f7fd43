using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Kafka;

/// <summary>Java, and the jars of Kafka.</summary>
/// <param name="Java">Path of the program.</param>
/// <param name="Libraries">Folder of the jars.</param>
internal sealed record KafkaPrograms(string Java, string Libraries)
{
    /// <summary>The variable that names the folder of an unpacked Kafka.</summary>
    public const string FolderVariable = "KAFKA_HOME";

    private const string ArchiveFolder = "../shared/test-servers/kafka";
    private const string ArchivePattern = "kafka-*.tar.xz";
    private static readonly TimeSpan UnpackLimit = TimeSpan.FromMinutes(5);

    /// <summary>Finds both.</summary>
    /// <exception cref="ServerUnavailableException">One of them cannot be had here.</exception>
    public static async Task<KafkaPrograms> FindAsync(CancellationToken cancellationToken) =>
        new(await FindJavaAsync(cancellationToken), await FindLibrariesAsync(cancellationToken));

    private static async Task<string> FindJavaAsync(CancellationToken cancellationToken)
    {
        if (Environment.GetEnvironmentVariable("JAVA_HOME") is { Length: > 0 } home && File.Exists(Path.Combine(home, "bin", "java")))
            return Path.Combine(home, "bin", "java");
        var (folder, reason) = await Programs.FindOrInstallAsync(["java"], DebianPackages.Java, cancellationToken);
        return folder is not null
            ? Path.Combine(folder, "java")
            : throw new ServerUnavailableException(
                $"Kafka needs Java 17 or newer on the PATH or in JAVA_HOME, and {reason} (Debian: apt-get install openjdk-17-jre-headless)."
            );
    }

    private static async Task<string> FindLibrariesAsync(CancellationToken cancellationToken)
    {
        if (Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } home)
        {
            var libraries = Path.Combine(home, "libs");
            return Directory.Exists(libraries) ? libraries : throw new ServerUnavailableException($"{FolderVariable} is {home}, which has no folder libs.");
        }

        if (FindArchive() is not { } archive)
        {
            throw new ServerUnavailableException(
                $"Kafka needs the folder of an unpacked release (4.0 or newer, from kafka.apache.org) in {FolderVariable}, or {ArchiveFolder} beside the checkout."
            );
        }

        // kafka-4.3.1.tar.xz holds kafka-4.3.1/libs.
        var name = Path.GetFileName(archive).Replace(".tar.xz", "", StringComparison.Ordinal);
        var folder = ToolCache.PathOf(name);
        if (!Directory.Exists(folder))
        {
            await ToolCache.FillAsync(
                folder,
                partial => Tool.RunAsync(["tar", "-xJf", archive, "--strip-components=1"], partial, UnpackLimit, cancellationToken)
            );
        }

        return Path.Combine(folder, "libs");
    }

    private static string? FindArchive()
    {
        var folder = Checkout.Find() is { } checkout ? Path.GetFullPath(ArchiveFolder, checkout) : null;
        return Directory.Exists(folder) ? Directory.EnumerateFiles(folder, ArchivePattern).Order(StringComparer.Ordinal).LastOrDefault() : null;
    }
}
