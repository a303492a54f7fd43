using System.Diagnostics;
using System.Runtime.Versioning;
using System.Text.Json;
using UrlShortener.TestServers;
using UrlShortener.TestServers.Processes;
using Xunit;

namespace UrlShortener.Operator.Tests.Backups;

/// <summary>The program in the image that runs pgBackRest (config/images/postgres/backup.py), with programs in place of pgBackRest and PostgreSQL.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class BackupProgramTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    private readonly ServerFolder _folder = ServerFolder.Create(onDisk: false);
    private readonly Dictionary<string, string> _environment = new()
    {
        ["REDO"] = "0/3000060",
        ["BACKUP_FETCH_DELAY"] = "0",
        ["BACKUP_RESTORE"] = "one",
    };

    /// <summary>Writes the programs.</summary>
    public BackupProgramTests()
    {
        Assert.SkipWhen(Programs.FindFolder(["python3"]) is null, "This machine has no Python.");
        Directory.CreateDirectory(_folder.PathOf("volume"));
        Write(
            "pgbackrest",
            """
            echo "$*" >> calls
            case "$*" in
            *archive-get*) exit ${ARCHIVE_GET:-1} ;;
            *repo-ls*) echo "{\"17-1/0000000100000000/${LAST:-000000010000000000000003}-0123456789012345678901234567890123456789.lz4\":{}}" ;;
            *" restore") touch volume/pgroot/PG_VERSION volume/pgroot/postgresql.auto.conf ;;
            *" backup")
                if [ -n "$HANGS" ]; then trap 'exit 63' TERM; touch started; while :; do sleep 0.05; done; fi
                echo "P00  ERROR: [039]: $BACKUP_ERROR" >&2; exit 39 ;;
            *" expire") if [ -n "$EXPIRE_ERROR" ]; then echo "P00  ERROR: [039]: $EXPIRE_ERROR" >&2; exit 39; fi ;;
            esac
            """
        );
        Write(
            "postgres",
            """
            for word; do case $word in restore_command=*) command=${word#*=} ;; esac; done
            sh -c "$(echo "$command" | sed 's/%f/000000010000000000000004/; s/%p/x/')"
            code=$?
            if [ $code -gt 125 ]; then echo "FATAL:  could not restore file: child process exited with exit code $code"; exit 1; fi
            echo "LOG:  redo done at $REDO system usage: none"
            trap 'exit 0' INT TERM QUIT
            touch ready
            while :; do sleep 0.05; done
            """
        );
        Write("pg_isready", "[ -e ready ]");
        Write(
            "psql",
            """
            case "$*" in
            *pg_database*) echo 1 ;;
            *to_regclass*) echo t ;;
            *"FROM urls"*) echo 7 ;;
            *replay_timestamp*) echo 2030-01-31T12:00:00.000000Z ;;
            esac
            """
        );
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    // PostgreSQL takes an error of the command for the end of the archive, and would start without what follows.
    [Fact]
    public async Task Restore_StorageThatFailsInTheRecovery_IsNotTheEndOfTheArchive()
    {
        _environment["ARCHIVE_GET"] = "103";
        var failed = await RunAsync("restore");

        Assert.Equal((false, "recovery"), (failed.Succeeded, failed.Reason));
        Assert.Contains("exit code 200", failed.Text, StringComparison.Ordinal);
        Assert.Equal(6, Calls().Count(call => call.Contains("archive-get", StringComparison.Ordinal)));

        // The next attempt begins anew on the same volume.
        _environment["ARCHIVE_GET"] = "1";
        var restored = await RunAsync("restore");
        Assert.True(restored.Succeeded, restored.Text);
        Assert.Contains("\"rows\":7", restored.Text, StringComparison.Ordinal);

        // A Job whose end nobody saw has done the work. Another region's database stays.
        File.Delete(_folder.PathOf("calls"));
        Assert.Equal(restored.Text, (await RunAsync("restore")).Text);
        _environment["BACKUP_RESTORE"] = "other";
        Assert.Equal("occupied", (await RunAsync("restore")).Reason);
        Assert.Empty(Calls());
        Assert.True(File.Exists(_folder.PathOf("volume/pgroot/PG_VERSION")));
    }

    [Theory]
    [InlineData("restore")]
    [InlineData("rehearse")]
    public async Task Recovery_ArchiveThatGoesOnAfterItsEnd_Fails(string command)
    {
        Directory.CreateDirectory(_folder.PathOf("volume/pgroot"));
        _environment["REDO"] = "0/1000060";

        var failed = await RunAsync(command);

        Assert.Equal("gap", failed.Reason);
        Assert.Contains("000000010000000000000003, but the recovery ended 2 segments before", failed.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rehearsal_OfAnArchive_OnlyReadsIt()
    {
        Directory.CreateDirectory(_folder.PathOf("volume/pgroot"));
        var rehearsed = await RunAsync("rehearse");

        Assert.True(rehearsed.Succeeded, rehearsed.Text);
        Assert.All(Calls(), call => Assert.Single(call.Split(' '), word => word is "restore" or "repo-ls" or "repo-get" or "archive-get"));
        Assert.Contains(Calls(), call => call.EndsWith(" restore", StringComparison.Ordinal));
    }

    // A repository that a primary began to use after a failover has no file with the history of timelines.
    [Fact]
    public async Task Recovery_ArchiveOfALaterTimelineThatGoesOnAfterItsEnd_Fails()
    {
        _environment["REDO"] = "0/1000060";
        _environment["LAST"] = "000000050000000000000003";

        var failed = await RunAsync("restore");

        Assert.Equal("gap", failed.Reason);
        Assert.Contains("000000050000000000000003, but the recovery ended 2 segments before", failed.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Restore_VolumeInUse_ChangesNothing()
    {
        _environment["BACKUP_LOCK_LIMIT"] = "0";
        using (new FileStream(_folder.PathOf("volume/.patroni.lock"), FileMode.Create, FileAccess.ReadWrite, FileShare.None))
            Assert.Equal("busy", (await RunAsync("restore")).Reason);

        Assert.False(Directory.Exists(_folder.PathOf("volume/pgroot")));
        Assert.True((await RunAsync("restore")).Succeeded);
    }

    // pgBackRest removes old backups after one that succeeded.
    [Theory]
    [InlineData("HTTP request failed with 507 (Insufficient Storage)", true)]
    [InlineData("[082]: WAL segment 000000010000000000000011 was not archived before the 60000ms timeout", true)]
    [InlineData("HTTP request failed with 403 (Forbidden)", false)]
    public async Task Backup_FullStorage_RemovesOldBackups(string error, bool expires)
    {
        _environment["BACKUP_ERROR"] = error;
        var failed = await RunAsync("backup", "full");

        Assert.Equal((false, "pgbackrest"), (failed.Succeeded, failed.Reason));
        Assert.Contains(error, failed.Text, StringComparison.Ordinal);
        Assert.Equal(expires, Calls().Any(call => call.EndsWith(" expire", StringComparison.Ordinal)));
    }

    // pgBackRest writes small files before it removes anything.
    [Fact]
    public async Task Backup_StorageThatRefusesAlsoSmallFiles_ReportsThatNothingWasRemoved()
    {
        _environment["BACKUP_ERROR"] = $"[082]: WAL segment was not archived before the 60000ms timeout {new string('x', 600)}";
        _environment["EXPIRE_ERROR"] = "[507] Insufficient Storage";

        var text = (await RunAsync("backup", "diff")).Text;

        Assert.Contains("[082]: WAL segment was not archived", text, StringComparison.Ordinal);
        Assert.Contains(
            "xx. Old backups could not be removed to make room: pgbackrest expire: [039]: [507] Insufficient Storage",
            text,
            StringComparison.Ordinal
        );
        // The operator shows that much.
        Assert.InRange(text.Length, 0, 400);
    }

    [Fact]
    public async Task Backup_KeyThatIsRefused_ReportsWhatTheStorageSays()
    {
        _environment["BACKUP_ERROR"] = """
            HTTP request failed with 403 (Forbidden):
                        *** Path/Query ***:
                        GET /backups/main/backup.info
                        *** Request Headers ***:
                        authorization: <redacted>
                        *** Response Content ***:
                        <?xml version="1.0"?><Error><Code>SignatureDoesNotMatch</Code><Message>The signature is wrong.</Message></Error>
            """;

        var text = (await RunAsync("backup", "diff")).Text;

        Assert.Contains("backup: [039]: HTTP request failed with 403 (Forbidden): SignatureDoesNotMatch\"", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Backup_PodThatIsToldToEnd_ReportsIt()
    {
        _environment["HANGS"] = "1";
        using var process = Start("backup", "diff");
        await Eventually.HoldsAsync(() => Task.FromResult(File.Exists(_folder.PathOf("started"))), () => "the backup runs", Limit);
        Signals.Send(process.Id, Signals.Terminate);
        var ended = await EndAsync(process);

        Assert.Equal((false, "stopped"), (ended.Succeeded, ended.Reason));
    }

    /// <inheritdoc />
    public void Dispose() => _folder.Delete();

    private Process Start(params string[] arguments)
    {
        // Tests that run in the background of a shell have inherited that these signals are ignored, and the programs, which are shell scripts, could not catch them.
        string[] program = ["--default-signal=INT,QUIT,TERM", "python3", Checkout.PathOf("config/images/postgres/backup.py")];
        var start = new ProcessStartInfo("env", [.. program, .. arguments])
        {
            WorkingDirectory = _folder.FullName,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in _environment)
            start.Environment[name] = value;
        start.Environment["PATH"] = $"{_folder.FullName}:{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["BACKUP_DATA"] = _folder.PathOf("volume/pgroot");
        start.Environment["BACKUP_SCRATCH"] = _folder.PathOf("scratch");
        start.Environment["BACKUP_REPORT"] = _folder.PathOf("report");
        return Process.Start(start)!;
    }

    private async Task<(bool Succeeded, string? Reason, string Text)> RunAsync(params string[] arguments)
    {
        File.Delete(_folder.PathOf("ready"));
        using var process = Start(arguments);
        return await EndAsync(process);
    }

    private async Task<(bool Succeeded, string? Reason, string Text)> EndAsync(Process process)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(Limit);
        var (output, errors) = (process.StandardOutput.ReadToEndAsync(limit.Token), process.StandardError.ReadToEndAsync(limit.Token));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }

        var all = await output + await errors;
        Assert.True(File.Exists(_folder.PathOf("report")), all);
        var text = await File.ReadAllTextAsync(_folder.PathOf("report"), Token);
        var report = JsonDocument.Parse(text).RootElement;
        var succeeded = report.GetProperty("ok").GetBoolean();
        Assert.Equal(succeeded ? 0 : 1, process.ExitCode);
        return (succeeded, report.TryGetProperty("reason", out var reason) ? reason.GetString() : null, text);
    }

    private string[] Calls() => File.Exists(_folder.PathOf("calls")) ? File.ReadAllLines(_folder.PathOf("calls")) : [];

    private void Write(string name, string script)
    {
        var path = _folder.PathOf(name);
        File.WriteAllText(path, $"#!/bin/sh\n{script}\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
