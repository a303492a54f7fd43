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

    /// <summary>Finds both.</summary>
    /// <exception cref="ServerUnavailableException">One of them cannot be had here.</exception>
    public static async Task<KafkaPrograms> FindAsync(CancellationToken cancellationToken) =>
        new(await JavaProgram.FindAsync("Kafka", cancellationToken), await FindLibrariesAsync(cancellationToken));

    private static async Task<string> FindLibrariesAsync(CancellationToken cancellationToken)
    {
        if (Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } home)
        {
            var libraries = Path.Combine(home, "libs");
            return Directory.Exists(libraries) ? libraries : throw new ServerUnavailableException($"{FolderVariable} is {home}, which has no folder libs.");
        }

        return await JavaProgram.UnpackAsync(ArchiveFolder, "kafka-*", cancellationToken) is { } folder
            ? Path.Combine(folder, "libs")
            : throw new ServerUnavailableException(
                $"Kafka needs the folder of an unpacked release (4.0 or newer, from kafka.apache.org) in {FolderVariable}, or {ArchiveFolder} beside the checkout."
            );
    }
}
