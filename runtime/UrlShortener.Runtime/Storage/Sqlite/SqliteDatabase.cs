using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Threading.Channels;
using DbUp;
using Microsoft.Data.Sqlite;
using Prometheus;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Health;
using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Storage.Sqlite;

/// <summary>
/// The embedded store's file. SQLite has one writer at a time, so all writes pass through one queue: whatever waits there is committed together, and each
/// caller is told only after the commit is on disk. Reads run beside it on connections of their own (write-ahead log).
/// </summary>
internal sealed partial class SqliteDatabase : IDatabase, IStoreHealth, IAsyncDisposable
{
    private const int WriteQueueCapacity = 4_096;
    private const int MaxWritesPerCommit = 512;
    private const int MaxReaders = 16;

    // One file, one queue: all are of one kind.
    private const string AnyWrite = "any";

    // As much as creating a link takes in the log.
    private const int CheckSize = 32_768;
    private const string CheckSql = """
        INSERT INTO health_checks (id, checked_at, padding) VALUES (1, unixepoch() * 1000, zeroblob($1))
        ON CONFLICT (id) DO UPDATE SET checked_at = excluded.checked_at, padding = excluded.padding
        """;

    private readonly LastWrite _lastWrite = new();

    // Of the readers; lookups have the others.
    private const int MaxQueries = 4;

    /// <summary>Stands for the product itself among the users who ask; users' ids begin at 1.</summary>
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

    // Held as long as this process serves. The system releases it when the process ends, whichever way.
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
            // Another process may hold the write lock: the administration commands. Seconds.
            DefaultTimeout = 5,
        }.ToString();
        _writer = new Lazy<Thread>(StartWriter);
    }

    /// <inheritdoc />
    // Two processes would each hold links in memory that the other one changes.
    public void Acquire()
    {
        // In a file of its own: nobody can read a file that is locked.
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
    // The file is this process' own, or nearly so.
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
            // SQLite gives the files of its log the mode of the database. An existing one is not opened here: closing it would end SQLite's own locks.
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

    /// <summary>Runs a piece of work in the writer's next transaction. When it throws, only its own changes are undone.</summary>
    /// <returns>What the work returned, after the commit.</returns>
    public Task<T> WriteAsync<T>(Func<SqliteSession, T> work, CancellationToken cancellationToken) => WriteAsync(work, isLarge: false, cancellationToken);

    /// <summary>As the other, where the work may be a large one: it waits behind small ones and has a transaction of its own.</summary>
    public async Task<T> WriteAsync<T>(Func<SqliteSession, T> work, bool isLarge, CancellationToken cancellationToken)
    {
        using var timer = StoreMetrics.WriteSeconds.NewTimer();
        try
        {
            var result = await EnqueueAsync(work, isLarge, cancellationToken);
            _lastWrite.NoteSuccess(AnyWrite);
            return result;
        }
        catch (SqliteException error) when (error.SqliteErrorCode != SQLitePCL.raw.SQLITE_CONSTRAINT)
        {
            _lastWrite.NoteFailure(AnyWrite);
            throw;
        }
    }

    /// <summary>Runs a query on a connection that cannot write. The work runs on the caller's thread.</summary>
    public async Task<T> ReadAsync<T>(Func<SqliteSession, T> work, CancellationToken cancellationToken)
    {
        using var timer = StoreMetrics.ReadSeconds.NewTimer();
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
            catch
            {
                // It may be the connection; the next query gets a new one.
                session.Dispose();
                StoreMetrics.ReadFailures.Inc();
                throw;
            }
        }
        finally
        {
            _readerSlots.Release();
        }
    }

    /// <summary>Runs a question whose size its caller decides, on another thread than the caller's. Few at a time, so that lookups always find a
    /// connection.</summary>
    /// <param name="caller">The user who asks, or <see cref="OwnWork"/>; see <see cref="FairTurns"/>.</param>
    /// <param name="work">The question.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async Task<T> QueryAsync<T>(long caller, Func<SqliteSession, T> work, CancellationToken cancellationToken)
    {
        using var turn = await _queryTurns.TakeAsync(caller, cancellationToken);
        return await Task.Run(() => ReadAsync(work, cancellationToken), cancellationToken);
    }

    /// <summary>Writes what is queued, then closes the file.</summary>
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

    // Only for the account that serves. A folder that exists keeps the mode that its administrator gave it.
    private void CreateFolder()
    {
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(_directory);
        else
            Directory.CreateDirectory(_directory, OwnersFolder);
    }

    // For this process alone while it is open, and on disk only for the account that serves.
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

    // SQLite opens a file that it may not write for reading only, and every later write fails. A lock of another process says nothing about that.
    private void CheckIsWritable()
    {
        using var connection = new SqliteConnection(_connectionString);
        connection.Open();
        var isWritable = SQLitePCL.raw.sqlite3_db_readonly(connection.Handle, "main") == 0;
        try
        {
            // The database may be writable and a file of its log not.
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
            // Somebody else can write, at least.
        }

        if (!isWritable)
            throw new ConfigurationException(
                $"The store {_path} cannot be written. Give the account of this process the right to write it and the files {Path.GetFileName(_path)}-wal and "
                    + "-shm beside it, or set another folder in Storage:DataDirectory."
            );
    }

    // What the administrator has to mend, such as a missing right or a file of another kind, is an error of the configuration. Others may pass.
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

    // DbUp does not expect company: an exclusively opened file makes the second process wait for the first.
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

    // A thread of its own: SQLite keeps its page cache where one thread's memory is, and the thread can be made to give way.
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
        thread.Start();
        return thread;
    }

    private void RunWriter()
    {
        SqliteSession? session = null;
        var waiting = new WaitingWrites();
        var group = new List<Write>(MaxWritesPerCommit);
        // Nobody else runs on this thread, so that waiting on it blocks nobody.
        while (waiting.Count > 0 || _writes.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            try
            {
                session ??= new SqliteSession(_connectionString, readOnly: false);
                session.Execute("BEGIN IMMEDIATE");
                while (TryTakeNext(waiting, group.Count, out var write))
                {
                    group.Add(write);
                    write.Run(session);
                }

                session.Execute("COMMIT");
            }
            // Not swallowed: whoever waits for one of these writes gets it, and the loop must outlive any of them.
            catch (Exception error)
            {
                // A lock not had: whoever waited for it has waited long enough.
                if (group.Count == 0)
                {
                    waiting.TakeAll(group);
                    while (_writes.Reader.TryRead(out var write))
                        group.Add(write);
                }

                foreach (var failed in group)
                    failed.Fail(error);
                // The state of the transaction is unknown; a new connection has none.
                session?.Dispose();
                session = null;
            }

            foreach (var write in group)
                write.Complete();
            group.Clear();
        }

        session?.Dispose();
    }

    // Looks for new ones each time, so that what arrives while a transaction is open shares it.
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

    // What the writer has before it. Small writes share a transaction and go first. A large one has a transaction of its own when no small one waits, or when
    // it was passed by so often that it is its turn.
    private sealed class WaitingWrites
    {
        private const int MaxTimesPassed = 8;

        private readonly Queue<Write> _small = new();
        private readonly Queue<Write> _large = new();
        private bool _hasLarge;
        private int _passed;

        public int Count => _small.Count + _large.Count;

        public void Add(Write write) => (write.IsLarge ? _large : _small).Enqueue(write);

        /// <summary>The next write of a transaction; false: it has all that it should have.</summary>
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

        public abstract void Run(SqliteSession session);

        public abstract void Fail(Exception error);

        public abstract void Complete();
    }

    private sealed class Write<T>(Func<SqliteSession, T> work, bool isLarge, CancellationToken cancellationToken) : Write(isLarge)
    {
        private readonly TaskCompletionSource<T> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private T? _result;
        private Exception? _error;

        public Task<T> Completion => _completion.Task;

        public override void Run(SqliteSession session)
        {
            if (cancellationToken.IsCancellationRequested)
            {
                _error = new OperationCanceledException(cancellationToken);
                return;
            }

            session.Execute("SAVEPOINT work");
            try
            {
                _result = work(session);
                session.Execute("RELEASE work");
            }
            // Whatever it is, it belongs to the caller; its neighbours go on.
            catch (Exception error)
            {
                _error = error;
                session.Execute("ROLLBACK TO work");
                session.Execute("RELEASE work");
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
