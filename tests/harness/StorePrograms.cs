using UrlShortener.TestServers;
using UrlShortener.TestServers.Kubernetes.Kubelet;
using UrlShortener.TestServers.Postgres;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestHarness;

/// <summary>
/// Runs the images of a region's stores, those of <c>config/images</c>, in pods of a process kubelet: the Patroni, PostgreSQL and Redis of this machine with
/// the pod's own command, as the image's user and with its PATH. Commands and configuration stay as in a cluster, as long as everything listens on the pod's
/// address alone: no wildcard and no 127.0.0.1, which all pods of this machine share. PostgreSQL's programs are found on the PATH: a <c>bin_dir</c> would name
/// another machine's.
/// <example>
/// <code>
/// var stores = await StorePrograms.FindAsync(token);
/// var options = new ProcessKubeletOptions { Namespaces = [space], Program = launch => stores.Run(launch) ?? RunProduct(launch) };
/// </code>
/// </example>
/// </summary>
internal sealed class StorePrograms
{
    /// <summary>An image of PostgreSQL and Patroni. Any other registry and tag will do.</summary>
    public const string PostgresImage = "localhost/url-shortener-postgres:test";

    /// <summary>An image of Redis. Any other registry and tag will do.</summary>
    public const string RedisImage = "localhost/url-shortener-redis:test";

    /// <summary>Number of the user and of the group of both images.</summary>
    public const long User = 999;

    private const string SystemPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
    private const string Postgres = "url-shortener-postgres";
    private const string Redis = "url-shortener-redis";

    private readonly string _postgresFolder;
    private readonly string _redisFolder;
    private readonly PatroniPrograms _patroni;

    private StorePrograms(string postgresFolder, string redisFolder, PatroniPrograms patroni)
    {
        _postgresFolder = postgresFolder;
        _redisFolder = redisFolder;
        _patroni = patroni;
    }

    /// <summary>Finds the programs, and installs or builds what is missing where that is possible.</summary>
    /// <exception cref="ServerUnavailableException">Some cannot be had here.</exception>
    public static async Task<StorePrograms> FindAsync(CancellationToken cancellationToken)
    {
        var (postgres, why) = await PostgresPrograms.FindAsync(cancellationToken);
        if (postgres is null)
            throw new ServerUnavailableException($"PostgreSQL in pods needs its programs: {why}. Install them (Debian: apt-get install postgresql).");
        var (redis, reason) = await Programs.FindOrInstallAsync(["redis-server", "redis-cli"], DebianPackages.Stores, cancellationToken);
        if (redis is null)
            throw new ServerUnavailableException($"Redis in pods needs its programs: {reason}. Install them (Debian: apt-get install redis-server).");
        var (backup, missing) = await Programs.FindOrInstallAsync(["pgbackrest"], DebianPackages.Backup, cancellationToken);
        if (backup is null)
            throw new ServerUnavailableException($"Backups in pods need pgBackRest: {missing}. Install it (Debian: apt-get install pgbackrest).");
        return new StorePrograms(postgres.Folder, redis, await PatroniPrograms.FindAsync(cancellationToken));
    }

    /// <summary>The program of a container; null when its image is none of the stores'.</summary>
    public ContainerProgram? Run(ContainerLaunch launch) =>
        NameOf(launch.Image) switch
        {
            Postgres => Run(
                launch,
                ["patroni", "/etc/patroni/patroni.yaml"],
                new ContainerUser("postgres", User, User, "/var/lib/postgresql"),
                $"{SystemPath}:{PatroniPrograms.Place}/bin:{_postgresFolder}"
            ) with
            {
                Mounts =
                [
                    new ContainerMount(_patroni.Folder, PatroniPrograms.Place),
                    new ContainerMount(Checkout.PathOf("config/images/postgres/patroni.sh"), "/usr/local/bin/patroni"),
                    new ContainerMount(Checkout.PathOf("config/images/postgres/backup.py"), "/usr/local/bin/shortener-backup"),
                    new ContainerMount(Checkout.PathOf("config/images/postgres/volume.py"), "/usr/local/bin/shortener-volume"),
                    new ContainerMount(Checkout.PathOf("config/images/postgres/promote.py"), "/usr/local/bin/shortener-promote"),
                    new ContainerMount(Checkout.PathOf("config/images/postgres/guard.py"), "/usr/local/bin/shortener-guard"),
                    new ContainerMount(Checkout.PathOf("config/images/postgres/saved.py"), "/usr/local/bin/shortener-saved"),
                    new ContainerMount(Checkout.PathOf("config/images/postgres/saved.py"), "/usr/local/bin/pg_rewind"),
                ],
            },
            Redis => Run(launch, ["redis-server"], new ContainerUser("redis", User, User, "/var/lib/redis"), $"{SystemPath}:{_redisFolder}"),
            _ => null,
        };

    private static ContainerProgram Run(ContainerLaunch launch, IReadOnlyList<string> imageCommand, ContainerUser user, string path)
    {
        var command = launch.Command.Count > 0 ? launch.Command : imageCommand;
        var environment = new Dictionary<string, string>
        {
            ["HOME"] = user.Home,
            ["LANG"] = "C.UTF-8",
            ["PATH"] = path,
        };
        // What the pod says wins over what the image says.
        foreach (var (name, value) in launch.Environment)
            environment[name] = value;
        return new ContainerProgram(command[0], [.. command.Skip(1)]) { Environment = environment, User = user };
    }

    /// <summary>Name of an image without its registry, tag and digest.</summary>
    private static string NameOf(string image)
    {
        var name = image[(image.LastIndexOf('/') + 1)..];
        var end = name.IndexOfAny([':', '@']);
        return end < 0 ? name : name[..end];
    }
}
