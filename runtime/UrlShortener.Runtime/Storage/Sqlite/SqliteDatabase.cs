using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using DbUp;
using Microsoft.Data.Sqlite;
using Prometheus;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Health;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Storage.Sqlite;

/// <summary>
/// The file of the embedded store. SQLite has one writer at a time, so all writes pass through one queue. Writes that wait in it are committed together, and
/// each caller gets its result only after the commit is on disk. Reads run concurrently on their own connections (write-ahead log).
/// </summary>
internal sealed partial class SqliteDatabase : IDatabase, IStoreHealth, IAsyncDisposable
{
    private const int WriteQueueCapacity = 4_096;
    private const int MaxWritesPerCommit = 512;
    private const int MaxReaders = 16;

    // All writes are of one kind, since they share one file and one queue.
    private const string AnyWrite = "any";

    // As much space in the log as creating a link takes.
    private const int CheckSize = 32_768;
    private const string CheckSql = """
        INSERT INTO health_checks (id, checked_at, padding) VALUES (1, unixepoch() * 1000, zeroblob($1))
        ON CONFLICT (id) DO UPDATE SET checked_at = excluded.checked_at, padding = excluded.padding
        """;

    private readonly LastWrite _lastWrite = new();

    // Connections of MaxReaders that queries may use; the rest is reserved for lookups.
    private const int MaxQueries = 4;

    /// <summary>Identifies the product itself among the callers of queries; ids of users begin at 1.</summary>
    public const long OwnWork = 0;

    private const UnixFileMode OwnersFile = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode OwnersFolder = OwnersFile | UnixFileMode.UserExecute;

    private readonly ILogger<SqliteDatabase> _logger;
    private readonly string _directory;
    private readonly string _path;
    private readonly string _connectionString;
    private readonly Channel<Write> _writes = Channel.CreateBounded<Write>(new BoundedChannelOptions(WriteQueueCapacity) { SingleReader = true });
    private readonly ConcurrentBag<SqliteSession> _readers = [];
    private readonly SemaphoreSlim _readerSlots = new(MaxReaders);
    private readonly FairTurns _queryTurns = new(MaxQueries);
    private readonly TaskCompletionSource _writerEnded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lazy<Thread> _writer;

    // Held while this process serves. The operating system releases it when the process ends, even after a crash.
    private FileStream? _serving;

    public SqliteDatabase(StorageOptions options, ILogger<SqliteDatabase> logger)
    {
        _logger = logger;
        _directory = Path.GetFullPath(options.DataDirectory);
        _path = Path.Combine(_directory, "shortener.db");
        _connectionString = new SqliteConnectionStringBuilder
        {
            DataSource = _path,
            Pooling = false,
            // In seconds. An administration command in another process may hold the write lock.
            DefaultTimeout = 5,
        }.ToString();
        _writer = new Lazy<Thread>(StartWriter);
    }

    /// <inheritdoc />
    // Two processes would each cache links that the other one changes.
    public void Acquire()
    {
        // The process id is in a separate file, because a locked file cannot be read.
        var holder = Path.Combine(_directory, "serve.pid");
        try
        {
            CreateFolder();
            _serving = OpenFile("serve.lock", FileMode.OpenOrCreate);
            using var writer = new StreamWriter(OpenFile("serve.pid", FileMode.Create));
            writer.Write(Environment.ProcessId.ToString(CultureInfo.InvariantCulture));
        }
        catch (IOException error) when (IsHeld(error))
        {
            throw new InvalidOperationException(
                $"Storage:DataDirectory {_directory} is in use: process {ReadHolder(holder)} serves from it. Stop that process, or set another folder.",
                error
            );
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw Unusable(error);
        }
    }

    /// <inheritdoc />
    public bool Exists => File.Exists(_path);

    /// <inheritdoc />
    // Apart from administration commands, only this process uses the file.
    public bool Prepare(bool isDevelopment)
    {
        Migrate();
        return true;
    }

    /// <inheritdoc />
    public void Migrate()
    {
        try
        {
            CreateFolder();
            using var turn = WaitForTurn();
            // SQLite gives its log files the mode of the database file. An existing file is not opened here: closing it would release SQLite's own locks.
            if (!Exists)
                OpenFile(Path.GetFileName(_path), FileMode.OpenOrCreate).Dispose();
            CheckIsWritable();
            var result = DeployChanges
                .To.SqliteDatabase(_connectionString)
                .WithScriptsEmbeddedInAssembly(typeof(SqliteDatabase).Assembly, name => name.Contains(".Sqlite.Migrations.", StringComparison.Ordinal))
                .WithTransactionPerScript()
                .LogToNowhere()
                .Build()
                .PerformUpgrade();
            if (!result.Successful)
                throw new InvalidOperationException(
                    $"The tables in Storage:DataDirectory {_directory} could not be brought up to "
                        + $"date{(result.ErrorScript is { } script ? $" by {script.Name}" : "")}: {result.Error.Message}",
                    result.Error
                );
            using var connection = new SqliteConnection(_connectionString);
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "PRAGMA journal_mode = WAL";
            command.ExecuteNonQuery();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException or SqliteException)
        {
            throw Unusable(error);
        }
    }

    /// <inheritdoc />
    public async Task<StoreState> CheckAsync(CancellationToken cancellationToken)
    {
        try
        {
            await EnqueueAsync(session => session.Execute(CheckSql, CheckSize), isLarge: false, cancellationToken);
            return _lastWrite.HasFailed ? StoreState.Down : StoreState.Healthy;
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            Log.Unhealthy(_logger, error);
            return StoreState.Down;
        }
    }

    /// <summary>Runs work in the writer's next transaction. If it throws, only its own changes are rolled back.</summary>
    /// <returns>What the work returned, after the commit.</returns>
    public Task<T> WriteAsync<T>(Func<SqliteSession, T> work, CancellationToken cancellationToken, [CallerMemberName] string operation = "") =>
        WriteAsync(work, isLarge: false, cancellationToken, operation);

    /// <summary>Like the other overload, but for work that may be large: such work waits behind small writes and has its own transaction.</summary>
    public async Task<T> WriteAsync<T>(Func<SqliteSession, T> work, bool isLarge, CancellationToken cancellationToken, [CallerMemberName] string operation = "")
    {
        using var timer = StoreMetrics.WriteSeconds.NewTimer();
        using var span = Spans.StartCall(Spans.Sqlite, operation);
        try
        {
            var result = await EnqueueAsync(work, isLarge, cancellationToken);
            _lastWrite.NoteSuccess(AnyWrite);
            return result;
        }
        catch (SqliteException error) when (error.SqliteErrorCode != SQLitePCL.raw.SQLITE_CONSTRAINT)
        {
            _lastWrite.NoteFailure(AnyWrite);
            span.Fail(error);
            throw;
        }
    }

    /// <summary>Runs a query on a read-only connection, on the caller's thread.</summary>
    public async Task<T> ReadAsync<T>(Func<SqliteSession, T> work, CancellationToken cancellationToken, [CallerMemberName] string operation = "")
    {
        using var timer = StoreMetrics.ReadSeconds.NewTimer();
        using var span = Spans.StartCall(Spans.Sqlite, operation);
        await _readerSlots.WaitAsync(cancellationToken);
        try
        {
            if (!_readers.TryTake(out var session))
                session = new SqliteSession(_connectionString, readOnly: true);
            try
            {
                var result = work(session);
                _readers.Add(session);
                return result;
            }
            catch (Exception error)
            {
                // The connection may be the cause; the next query gets a new one.
                session.Dispose();
                StoreMetrics.ReadFailures.Inc();
                span.Fail(error);
                throw;
            }
        }
        finally
        {
            _readerSlots.Release();
        }
    }

    /// <summary>Runs a query whose cost its caller determines, on a different thread than the caller's. Few run at a time, so that lookups always find a
    /// connection.</summary>
    /// <param name="caller">The user who asks, or <see cref="OwnWork"/>; see <see cref="FairTurns"/>.</param>
    /// <param name="work">The query.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <param name="operation">Name in traces.</param>
    public async Task<T> QueryAsync<T>(long caller, Func<SqliteSession, T> work, CancellationToken cancellationToken, [CallerMemberName] string operation = "")
    {
        using var turn = await _queryTurns.TakeAsync(caller, cancellationToken);
        return await Task.Run(() => ReadAsync(work, cancellationToken, operation), cancellationToken);
    }

    /// <summary>Writes the queued changes, then closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        _writes.Writer.TryComplete();
        if (_writer.IsValueCreated)
            await _writerEnded.Task;
        while (_readers.TryTake(out var session))
            session.Dispose();
        _readerSlots.Dispose();
        if (_serving is not null)
            await _serving.DisposeAsync();
    }

    private async Task<T> EnqueueAsync<T>(Func<SqliteSession, T> work, bool isLarge, CancellationToken cancellationToken)
    {
        _ = _writer.Value;
        var write = new Write<T>(work, isLarge, cancellationToken);
        await _writes.Writer.WriteAsync(write, cancellationToken);
        return await write.Completion;
    }

    // Only the account that serves may access a new folder. An existing folder keeps the mode that its administrator set.
    private void CreateFolder()
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(_directory);
        else
            Directory.CreateDirectory(_directory, OwnersFolder);
    }

    // Only this process may use the file while it is open, and only the account that serves may access it on disk.
    private FileStream OpenFile(string name, FileMode mode)
    {
        var options = new FileStreamOptions
        {
            Mode = mode,
            Access = FileAccess.ReadWrite,
            Share = FileShare.None,
        };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = OwnersFile;
        return new FileStream(Path.Combine(_directory, name), options);
    }

    // SQLite opens a file without write permission as read-only, and every later write fails. A lock of another process is no evidence of that.
    private void CheckIsWritable()
    {
        using var connection = new SqliteConnection(_connectionString);
        connection.Open();
        var isWritable = SQLitePCL.raw.sqlite3_db_readonly(connection.Handle, "main") == 0;
        try
        {
            // The database may be writable while one of its log files is not.
            using var command = connection.CreateCommand();
            command.CommandText = "BEGIN IMMEDIATE; ROLLBACK";
            command.ExecuteNonQuery();
        }
        catch (SqliteException error) when (error.SqliteErrorCode is SQLitePCL.raw.SQLITE_READONLY)
        {
            isWritable = false;
        }
        catch (SqliteException error) when (error.SqliteErrorCode is SQLitePCL.raw.SQLITE_BUSY)
        {
            // Another process holds the write lock, so the file is writable.
        }

        if (!isWritable)
            throw new ConfigurationException(
                $"The store {_path} cannot be written. Give the account of this process the right to write it and the files {Path.GetFileName(_path)}-wal and "
                    + "-shm beside it, or set another folder in Storage:DataDirectory."
            );
    }

    // Problems that the administrator must fix, such as a missing permission or a file of another kind, are configuration errors. Others may be temporary.
    private InvalidOperationException Unusable(Exception error)
    {
        const int NoSpace = 28; // ENOSPC
        var message = $"Storage:DataDirectory {_directory} cannot be used: {error.Message}";
        var mayPass = error is SqliteException sqlite
            ? sqlite.SqliteErrorCode
                is not (
                    SQLitePCL.raw.SQLITE_READONLY
                    or SQLitePCL.raw.SQLITE_CANTOPEN
                    or SQLitePCL.raw.SQLITE_NOTADB
                    or SQLitePCL.raw.SQLITE_PERM
                    or SQLitePCL.raw.SQLITE_AUTH
                )
            : error is IOException { HResult: NoSpace };
        return mayPass ? new InvalidOperationException(message, error) : new ConfigurationException(message, error);
    }

    private static bool IsHeld(IOException error)
    {
        const int HeldOnUnix = 11; // EWOULDBLOCK
        const int HeldOnWindows = unchecked((int)0x80070020); // ERROR_SHARING_VIOLATION
        return error.HResult is HeldOnUnix or HeldOnWindows;
    }

    private static string ReadHolder(string path)
    {
        try
        {
            return File.ReadAllText(path) is { Length: > 0 } id ? id : "unknown";
        }
        catch (IOException)
        {
            return "unknown";
        }
    }

    // DbUp does not support concurrent migrations. A file opened exclusively makes the second process wait for the first.
    private FileStream WaitForTurn()
    {
        const int attempts = 300;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return OpenFile("migrate.lock", FileMode.OpenOrCreate);
            }
            catch (IOException error) when (attempt < attempts && IsHeld(error))
            {
                using var pause = new ManualResetEventSlim();
                pause.Wait(TimeSpan.FromMilliseconds(100));
            }
        }
    }

    // A dedicated thread: SQLite's page cache then stays in the memory of one thread, and the thread can run at a lower priority.
    private Thread StartWriter()
    {
        var thread = new Thread(() =>
        {
            BackgroundThread.GiveWay();
            try
            {
                RunWriter();
                _writerEnded.SetResult();
            }
            catch (Exception error)
            {
                _writerEnded.SetException(error);
            }
        })
        {
            IsBackground = true,
            Name = "SQLite writer",
        };
        // Without the context of the request that writes first.
        thread.UnsafeStart();
        return thread;
    }

    private void RunWriter()
    {
        SqliteSession? session = null;
        var waiting = new WaitingWrites();
        var group = new List<Write>(MaxWritesPerCommit);
        // Only the writer runs on this thread, so blocking it blocks nothing else.
        while (waiting.Count > 0 || _writes.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            try
            {
                session ??= new SqliteSession(_connectionString, readOnly: false);
                session.Execute("BEGIN IMMEDIATE");
                while (TryTakeNext(waiting, group.Count, out var write))
                {
                    group.Add(write);
                    write.Run(session, isFirst: group.Count == 1);
                }

                session.Execute("COMMIT");
            }
            // Not swallowed: each caller that waits for one of these writes gets the error. The loop must survive every failure.
            catch (Exception error)
            {
                // The write lock was not acquired. Fail all waiting writes, because they have waited long enough.
                if (group.Count == 0)
                {
                    waiting.TakeAll(group);
                    while (_writes.Reader.TryRead(out var write))
                        group.Add(write);
                }

                foreach (var failed in group)
                    failed.Fail(error);
                // The state of the transaction is unknown, so start with a new connection.
                session?.Dispose();
                session = null;
            }

            foreach (var write in group)
                write.Complete();
            group.Clear();
        }

        session?.Dispose();
    }

    // Checks for new writes each time, so that those that arrive while a transaction is open join it.
    private bool TryTakeNext(WaitingWrites waiting, int taken, [NotNullWhen(true)] out Write? write)
    {
        while (waiting.Count < WriteQueueCapacity && _writes.Reader.TryRead(out var arrived))
            waiting.Add(arrived);
        return waiting.TryTakeNext(taken, out write);
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The store accepts no writes")]
        public static partial void Unhealthy(ILogger logger, Exception error);
    }

    // The writer's backlog. Small writes share a transaction and go first. A large write gets its own transaction when no small write waits, or when small
    // writes went first so often that it is due.
    private sealed class WaitingWrites
    {
        private const int MaxTimesPassed = 8;

        private readonly Queue<Write> _small = new();
        private readonly Queue<Write> _large = new();
        private bool _hasLarge;
        private int _passed;

        public int Count => _small.Count + _large.Count;

        public void Add(Write write) => (write.IsLarge ? _large : _small).Enqueue(write);

        /// <summary>Takes the next write of a transaction. Returns false if the transaction is complete.</summary>
        public bool TryTakeNext(int taken, [NotNullWhen(true)] out Write? write)
        {
            var isTurnOfLarge = _large.Count > 0 && (_small.Count == 0 || _passed == MaxTimesPassed);
            if (taken > 0)
            {
                write = null;
                return !_hasLarge && taken < MaxWritesPerCommit && _small.TryDequeue(out write);
            }

            _hasLarge = isTurnOfLarge;
            _passed = isTurnOfLarge || _large.Count == 0 ? 0 : _passed + 1;
            return (isTurnOfLarge ? _large : _small).TryDequeue(out write);
        }

        public void TakeAll(List<Write> group)
        {
            group.AddRange(_small);
            group.AddRange(_large);
            _small.Clear();
            _large.Clear();
        }
    }

    private abstract class Write(bool isLarge)
    {
        public bool IsLarge => isLarge;

        public abstract void Run(SqliteSession session, bool isFirst);

        public abstract void Fail(Exception error);

        public abstract void Complete();
    }

    private sealed class Write<T>(Func<SqliteSession, T> work, bool isLarge, CancellationToken cancellationToken) : Write(isLarge)
    {
        private readonly TaskCompletionSource<T> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T? _result;
        private Exception? _error;

        public Task<T> Completion => _completion.Task;

        public override void Run(SqliteSession session, bool isFirst)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                _error = new OperationCanceledException(cancellationToken);
                return;
            }

            // The first write needs no savepoint, as nothing comes before it. Within one, SQLite keeps a copy of each page that is changed, and reads through
            // the list of all of them after each statement that has a trigger: a seventh of the writer's time.
            if (!isFirst)
                session.Execute("SAVEPOINT work");
            try
            {
                _result = work(session);
                if (!isFirst)
                    session.Execute("RELEASE work");
            }
            // Catches everything: the error belongs to this caller, and the other writes of the transaction continue.
            catch (Exception error)
            {
                _error = error;
                session.Execute(isFirst ? "ROLLBACK" : "ROLLBACK TO work");
                session.Execute(isFirst ? "BEGIN IMMEDIATE" : "RELEASE work");
            }
        }

        public override void Fail(Exception error) => _error ??= error;

        public override void Complete()
        {
            if (_error is OperationCanceledException canceled)
                _completion.TrySetCanceled(canceled.CancellationToken);
            else if (_error is not null)
                Refuse(_error);
            else
                _completion.TrySetResult(_result!);
        }

        private void Refuse(Exception error)
        {
            StoreMetrics.WriteFailures.Inc();
            _completion.TrySetException(error);
        }
    }
}
