using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Postgres;

/// <summary>The programs of a local PostgreSQL, and the user that they run as: PostgreSQL refuses to run as root.</summary>
internal sealed class PostgresPrograms
{
    private static readonly string[] Names = ["postgres", "initdb", "pg_basebackup"];
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly string _folder;

    /// <summary>Numbers of user and group; null where this process is not root and starts PostgreSQL as itself.</summary>
    private readonly (string User, string Group)? _account;

    private PostgresPrograms(string folder, (string User, string Group)? account)
    {
        _folder = folder;
        _account = account;
    }

    /// <summary>The folder of the programs.</summary>
    public string Folder => _folder;

    /// <summary>Finds the programs, installing them where that is needed and possible.</summary>
    /// <returns>The programs, or null and the reason why there are none.</returns>
    public static async Task<(PostgresPrograms? Programs, string Reason)> FindAsync(CancellationToken cancellationToken)
    {
        var (folder, reason) = await Programs.FindOrInstallAsync(Names, DebianPackages.Stores, cancellationToken);
        if (folder is null)
            return (null, reason);
        if (!Environment.IsPrivilegedProcess)
            return (new PostgresPrograms(folder, null), "");
        if (Programs.FindFolder(["setpriv"]) is null)
            return (null, "PostgreSQL does not run as root, and setpriv (util-linux) is not there to start it as another user");
        return FindAccount() is { } account
            ? (new PostgresPrograms(folder, account), "")
            : (null, "PostgreSQL does not run as root, and there is no user postgres or nobody");
    }

    /// <summary>The command that runs a program.</summary>
    public IReadOnlyList<string> Command(string program, params IEnumerable<string> arguments) =>
        [
            .. _account is { } account ? ["setpriv", $"--reuid={account.User}", $"--regid={account.Group}", "--clear-groups", "--"] : Array.Empty<string>(),
            Path.Combine(_folder, program),
            .. arguments,
        ];

    /// <summary>Runs a program to its end.</summary>
    public Task RunAsync(string folder, string program, IEnumerable<string> arguments, CancellationToken cancellationToken) =>
        Tool.RunAsync(Command(program, arguments), folder, Limit, cancellationToken);

    /// <summary>Makes the folder of a node, which belongs to the user that the node runs as.</summary>
    public async Task CreateFolderAsync(string path, CancellationToken cancellationToken)
    {
        if (_account is { } account)
            await Tool.RunAsync(["install", "-d", "-o", account.User, "-g", account.Group, "-m", "700", path], "/", Limit, cancellationToken);
        else
            Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static (string User, string Group)? FindAccount()
    {
        var users = File.ReadLines("/etc/passwd").Select(line => line.Split(':')).Where(fields => fields.Length > 3).ToLookup(fields => fields[0]);
        return users["postgres"].Concat(users["nobody"]).Select(fields => ((string, string)?)(fields[2], fields[3])).FirstOrDefault();
    }
}
