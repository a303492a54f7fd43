using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Flink;

/// <summary>Java, and an unpacked Flink with the Kafka connector among its libraries.</summary>
/// <param name="Java">Path of the program.</param>
/// <param name="Folder">Folder with <c>lib</c>, <c>opt</c> and <c>plugins</c>.</param>
internal sealed record FlinkPrograms(string Java, string Folder)
{
    /// <summary>The variable that names the folder of an unpacked Flink.</summary>
    public const string FolderVariable = "FLINK_HOME";

    private const string ArchiveFolder = "../shared/test-servers/flink";

    // What Flink's own scripts open to it.
    private static readonly string[] Packages =
    [
        "java.base/java.lang",
        "java.base/java.net",
        "java.base/java.io",
        "java.base/java.nio",
        "java.base/java.lang.reflect",
        "java.base/java.text",
        "java.base/java.time",
        "java.base/java.util",
        "java.base/java.util.concurrent",
        "java.base/java.util.concurrent.atomic",
        "java.base/java.util.concurrent.locks",
        "java.base/sun.nio.ch",
    ];

    /// <summary>Libraries of all processes.</summary>
    public string Libraries => Path.Combine(Folder, "lib", "*");

    /// <summary>Libraries that a process needs besides, for a task of its own.</summary>
    public string Optional => Path.Combine(Folder, "opt");

    /// <summary>Finds both.</summary>
    /// <exception cref="ServerUnavailableException">One of them cannot be had here.</exception>
    public static async Task<FlinkPrograms> FindAsync(CancellationToken cancellationToken) =>
        new(await JavaProgram.FindAsync("Flink", cancellationToken), await FindFolderAsync(cancellationToken));

    /// <summary>A command that runs a class.</summary>
    public IReadOnlyList<string> CommandOf(IEnumerable<string> settings, string type, params string[] arguments) =>
        [
            Java,
            "-XX:+UseSerialGC",
            "-XX:+ExitOnOutOfMemoryError",
            "-Djava.net.preferIPv4Stack=true",
            .. Packages.SelectMany(package => new[] { "--add-opens", package + "=ALL-UNNAMED" }),
            .. settings,
            "-cp",
            Libraries,
            type,
            .. arguments,
        ];

    private static async Task<string> FindFolderAsync(CancellationToken cancellationToken)
    {
        if (Environment.GetEnvironmentVariable(FolderVariable) is { Length: > 0 } home)
            return Directory.Exists(Path.Combine(home, "lib"))
                ? home
                : throw new ServerUnavailableException($"{FolderVariable} is {home}, which has no folder lib.");
        return await JavaProgram.UnpackAsync(ArchiveFolder, "flink-*", cancellationToken)
            ?? throw new ServerUnavailableException(
                $"Flink needs the folder of an unpacked release (2.2, with flink-sql-connector-kafka in lib) in {FolderVariable}, or {ArchiveFolder} beside the checkout."
            );
    }
}
