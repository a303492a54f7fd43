using System.Threading.Channels;
using Npgsql;
using NpgsqlTypes;
using Prometheus;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Keys;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Telemetry;

namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>
/// Creates links in groups. Requests that wait while a statement runs share the next one, so a busy process needs few round trips and few waits for the disk,
/// and an idle one answers at once. Large requests have their own statements and writers. Each request is answered after its commit. A conflict affects only
/// one link. If one request makes a statement fail, the statement is repeated for each request separately.
/// </summary>
internal sealed class PostgresLinkWriter : IAsyncDisposable
{
    private static readonly Histogram GroupSize = Metrics.CreateHistogram(
        "shortener_store_group_links",
        "Links that shared a statement.",
        new HistogramConfiguration { Buckets = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 10_000] }
    );

    // Claims and stores in one statement. Codes are claimed, and so locked, in the same order everywhere. An unused code of a pool may be claimed unless its
    // epoch is closed: the epoch of the key or, if an alias happens to be a pooled code, that of the code's batch.
    private const string CreateSql = """
        WITH input AS MATERIALIZED (
            SELECT * FROM unnest($1::text[], $2::int[], $3::text[], $4::bigint[], $5::timestamptz[], $6::timestamptz[], $7::smallint[], $8::text[])
                AS i (short_code, epoch, original_url, user_id, created_at, expires_at, redirect_type, metadata)
        ), epoch AS MATERIALIZED (
            SELECT coalesce(max(epoch), 0) AS current, coalesce(max(first_batch), 0) AS first_batch FROM kgs_epochs
        ), claimed AS (
            INSERT INTO kgs_keys AS k (short_code, is_used, used_at, batch_id)
            SELECT i.short_code, true, i.created_at, 0 FROM input i, epoch WHERE i.epoch >= epoch.current ORDER BY i.short_code
            ON CONFLICT (short_code) DO UPDATE SET is_used = true, used_at = excluded.used_at
                WHERE NOT k.is_used AND k.batch_id >= (SELECT first_batch FROM epoch)
            RETURNING k.short_code
        ), stored AS (
            INSERT INTO urls (short_code, original_url, user_id, created_at, expires_at, redirect_type, metadata)
            SELECT i.short_code, i.original_url, i.user_id, i.created_at, i.expires_at, i.redirect_type, link_metadata_of(i.metadata) FROM input i JOIN claimed USING (short_code)
        ), counted AS (
            INSERT INTO user_link_counts (user_id, links)
            SELECT i.user_id, count(*) FROM input i JOIN claimed USING (short_code) WHERE i.user_id IS NOT NULL GROUP BY i.user_id
        )
        SELECT epoch.current, claimed.short_code FROM epoch LEFT JOIN claimed ON true
        """;

    private const string LockSql = "SELECT pg_advisory_xact_lock(lock) FROM unnest($1::bigint[]) AS lock";

    private const string FindRepliesSql =
        "SELECT key, expires_at, request_hash, status_code, location, body FROM idempotency_keys WHERE key = ANY ($1::text[])";

    private const string StoreRepliesSql = """
        INSERT INTO idempotency_keys (key, request_hash, expires_at, status_code, location, body, user_id)
        SELECT * FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::smallint[], $5::text[], $6::bytea[], $7::bigint[])
        ON CONFLICT (key) DO UPDATE SET
            request_hash = excluded.request_hash, expires_at = excluded.expires_at, status_code = excluded.status_code, location = excluded.location, body = excluded.body,
            user_id = excluded.user_id
        """;

    // How long a writer waits for its turn; a statement with its commit takes less unless something is wrong. Writers that take turns form larger groups than
    // concurrent ones, and the statement is most of the cost of a small group. After this time a writer proceeds without its turn, so that its requests do not
    // also wait for a large group, a slow disk or a distant replica.
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(10);

    private readonly PostgresDatabase _database;
    private readonly KeyEpoch _epoch;
    private readonly PostgresOptions _options;
    private readonly Channel<Pending> _waiting;
    private readonly Channel<Pending> _waitingLarge;
    private readonly SemaphoreSlim _turn = new(1, 1);
    private readonly Lazy<Task> _writers;

    public PostgresLinkWriter(PostgresDatabase database, KeyEpoch epoch, PostgresOptions options)
    {
        _database = database;
        _epoch = epoch;
        _options = options;
        _waiting = Channel.CreateBounded<Pending>(new BoundedChannelOptions(options.QueueCapacity));
        _waitingLarge = Channel.CreateBounded<Pending>(new BoundedChannelOptions(options.QueueCapacity));
        _writers = new Lazy<Task>(StartWriters);
    }

    /// <summary>Creates links; see <see cref="ILinkStore.CreateAsync"/>.</summary>
    /// <exception cref="TimeoutException">The database did not store the links in time.</exception>
    public async Task<CreateLinksResult> CreateAsync(CreateLinks request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _ = _writers.Value;
        var pending = new Pending(request, cancellationToken);
        // The statement is shared with other requests; this is what one of them waits for.
        using var span = Spans.StartCall(Spans.Postgres, "create")?.SetTag("db.operation.batch.size", request.Links.Count);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(_options.WriteTimeout);
        try
        {
            await (request.IsLarge ? _waitingLarge : _waiting).Writer.WriteAsync(pending, limit.Token);
            return await pending.Completion.WaitAsync(limit.Token);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested && limit.IsCancellationRequested)
        {
            pending.Abandon();
            var late = new TimeoutException($"The database did not take the link within {_options.WriteTimeout.TotalSeconds:0.#} s.");
            span.Fail(late);
            throw late;
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            span.Fail(error);
            throw;
        }
    }

    /// <summary>Creates the links that are waiting, then stops.</summary>
    public async ValueTask DisposeAsync()
    {
        _waiting.Writer.TryComplete();
        _waitingLarge.Writer.TryComplete();
        if (_writers.IsValueCreated)
            await _writers.Value;
        _turn.Dispose();
    }

    /// <summary>Compares a request with a stored reply that has the same idempotency key.</summary>
    /// <param name="row">Columns request_hash, status_code, location, body.</param>
    /// <param name="first">Index of the first of these columns.</param>
    /// <param name="requestHash">The request's own hash.</param>
    internal static CreateLinksResult Compare(NpgsqlDataReader row, int first, string requestHash) =>
        row.GetString(first) != requestHash
            ? new CreateLinksResult.KeyReused()
            : new CreateLinksResult.Replayed(
                new StoredReply(row.GetInt16(first + 1), row.IsDBNull(first + 2) ? null : row.GetString(first + 2), row.GetFieldValue<byte[]>(first + 3))
            );

    // Without the context of the request that comes first: whatever the writers do would count as part of it.
    private Task StartWriters()
    {
        using var _ = ExecutionContext.SuppressFlow();
        return Task.WhenAll(Enumerable.Range(0, _options.Writers).SelectMany(_ => new[] { Task.Run(RunAsync), Task.Run(RunLargeAsync) }));
    }

    private async Task RunAsync()
    {
        var group = new List<Pending>();
        while (await _waiting.Reader.WaitToReadAsync())
        {
            var hasTurn = await _turn.WaitAsync(Patience);
            TakeWaiting(group);
            if (group.Count > 0)
                await CreateGroupAsync(group);
            group.Clear();
            if (hasTurn)
                _turn.Release();
        }
    }

    // Runs each large request separately, concurrently with the groups of small ones, so that creating one link does not wait for a request with ten thousand.
    private async Task RunLargeAsync()
    {
        await foreach (var pending in _waitingLarge.Reader.ReadAllAsync())
        {
            if (pending.IsWanted)
                await CreateGroupAsync([pending]);
        }
    }

    private void TakeWaiting(List<Pending> group)
    {
        var links = 0;
        while (links < _options.GroupSize && _waiting.Reader.TryRead(out var pending))
        {
            if (!pending.IsWanted)
                continue;
            group.Add(pending);
            links += pending.Request.Links.Count;
        }
    }

    private async Task CreateGroupAsync(List<Pending> group)
    {
        try
        {
            var rest = group;
            while (rest.Count > 0)
            {
                // Of two requests with the same idempotency key, the second must find the reply of the first.
                var keys = new HashSet<string>(StringComparer.Ordinal);
                var now = rest.FindAll(pending => pending.Request.Idempotency is not { } idempotency || keys.Add(idempotency.Key));
                await CreateAsync(now);
                rest = rest.FindAll(pending => !pending.IsAnswered);
            }
        }
        // Not swallowed: each caller that waits for one of these requests gets the error. The loop must survive every failure.
        catch (Exception error)
        {
            var unanswered = group.FindAll(pending => !pending.IsAnswered);
            if (unanswered.Count == 1 || error is Resilience.DependencyException || PostgresDatabase.IsOutage(error))
            {
                unanswered.ForEach(pending => pending.Fail(error));
                return;
            }

            // The values of one request caused the error; the other requests are not affected.
            foreach (var pending in unanswered)
                await CreateGroupAsync([pending]);
        }
    }

    // Tries a group once: either all of its requests are answered, or none is and the error is thrown.
    private async Task CreateAsync(List<Pending> group)
    {
        group.ForEach(pending => pending.Begin());
        if (group.TrueForAll(pending => pending.Request.Idempotency is null))
        {
            await _database.WriteAsync("create", (connection, token) => StoreAllAsync(connection, group, token), CancellationToken.None);
        }
        else
        {
            await _database.WriteAsync(
                "create",
                async (connection, token) =>
                {
                    await using var transaction = await connection.BeginTransactionAsync(token);
                    await FindRepliesAsync(connection, group, token);
                    await StoreAllAsync(connection, group, token);
                    await StoreRepliesAsync(connection, group, token);
                    await transaction.CommitAsync(token);
                    return true;
                },
                CancellationToken.None
            );
        }

        group.ForEach(pending => pending.Answer());
    }

    private async Task<bool> StoreAllAsync(NpgsqlConnection connection, List<Pending> group, CancellationToken cancellationToken)
    {
        var round = new Round();
        while (true)
        {
            round.Clear();
            group.ForEach(pending => pending.Propose(round, _epoch));
            if (round.Count == 0)
                return true;
            GroupSize.Observe(round.Count);
            await using var command = round.BuildCommand(connection);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            var claimed = new HashSet<string>(round.Count, StringComparer.Ordinal);
            while (await reader.ReadAsync(cancellationToken))
            {
                _epoch.Observe(reader.GetInt32(0));
                if (!reader.IsDBNull(1))
                    claimed.Add(reader.GetString(1));
            }

            group.ForEach(pending => pending.Conclude(claimed));
        }
    }

    private static async Task FindRepliesAsync(NpgsqlConnection connection, List<Pending> group, CancellationToken cancellationToken)
    {
        var byKey = group
            .Where(pending => pending.Request.Idempotency is not null)
            .ToDictionary(pending => pending.Request.Idempotency!.Key, StringComparer.Ordinal);
        // All transactions take these locks before they claim codes, and in the same order, which prevents deadlocks.
        var locks = byKey
            .Keys.Select(key => BitConverter.ToInt64(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.ASCII.GetBytes(key))))
            .Order()
            .ToArray();
        await using var batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand(LockSql) { Parameters = { new() { Value = locks } } },
                new NpgsqlBatchCommand(FindRepliesSql) { Parameters = { new() { Value = byKey.Keys.ToArray() } } },
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var pending = byKey[reader.GetString(0)];
            if (reader.GetFieldValue<DateTimeOffset>(1) > pending.Request.Now)
                pending.Found(Compare(reader, 2, pending.Request.Idempotency!.RequestHash));
        }
    }

    private static async Task StoreRepliesAsync(NpgsqlConnection connection, List<Pending> group, CancellationToken cancellationToken)
    {
        var replies = group
            .Select(pending => (pending.Request.Idempotency, pending.Request.UserId, Reply: pending.BuildReply()))
            .Where(entry => entry.Reply is not null)
            .ToList();
        if (replies.Count == 0)
            return;
        await using var command = new NpgsqlCommand(StoreRepliesSql, connection)
        {
            Parameters =
            {
                Array(replies.Select(entry => entry.Idempotency!.Key), NpgsqlDbType.Text),
                Array(replies.Select(entry => entry.Idempotency!.RequestHash), NpgsqlDbType.Text),
                Array(replies.Select(entry => entry.Idempotency!.ExpiresAt.UtcDateTime), NpgsqlDbType.TimestampTz),
                Array(replies.Select(entry => (short)entry.Reply!.StatusCode), NpgsqlDbType.Smallint),
                Array(replies.Select(entry => entry.Reply!.Location), NpgsqlDbType.Text),
                Array(replies.Select(entry => entry.Reply!.Body), NpgsqlDbType.Bytea),
                Array(replies.Select(entry => entry.UserId), NpgsqlDbType.Bigint),
            },
        };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static NpgsqlParameter Array<T>(IEnumerable<T> values, NpgsqlDbType type) =>
        new() { Value = values.ToArray(), NpgsqlDbType = NpgsqlDbType.Array | type };

    // The rows of one statement.
    private sealed class Round
    {
        private readonly HashSet<string> _codes = new(StringComparer.Ordinal);
        private readonly List<(Key Key, NewLink Link, CreateLinks Request)> _rows = [];

        public int Count => _rows.Count;

        public void Clear()
        {
            _codes.Clear();
            _rows.Clear();
        }

        /// <summary>Adds a link. Returns false if the code is already in this statement, which can contain it only once.</summary>
        public bool TryAdd(Key key, NewLink link, CreateLinks request)
        {
            if (!_codes.Add(key.Code))
                return false;
            _rows.Add((key, link, request));
            return true;
        }

        public NpgsqlCommand BuildCommand(NpgsqlConnection connection) =>
            new(CreateSql, connection)
            {
                Parameters =
                {
                    Array(_rows.Select(row => row.Key.Code), NpgsqlDbType.Text),
                    Array(_rows.Select(row => row.Key.Epoch), NpgsqlDbType.Integer),
                    Array(_rows.Select(row => row.Link.OriginalUrl), NpgsqlDbType.Text),
                    Array(_rows.Select(row => row.Request.UserId), NpgsqlDbType.Bigint),
                    Array(_rows.Select(row => row.Request.Now.UtcDateTime), NpgsqlDbType.TimestampTz),
                    Array(_rows.Select(row => row.Link.ExpiresAt?.UtcDateTime), NpgsqlDbType.TimestampTz),
                    Array(_rows.Select(row => (short)row.Link.RedirectType), NpgsqlDbType.Smallint),
                    Array(_rows.Select(row => row.Link.Metadata), NpgsqlDbType.Text),
                },
            };
    }

    // A request and its progress. Used by the caller that made it and the writer that took it.
    private sealed class Pending(CreateLinks request, CancellationToken cancellationToken)
    {
        private readonly TaskCompletionSource<CreateLinksResult> _completion = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Link?[] _links = new Link?[request.Links.Count];
        private readonly Key[] _proposed = new Key[request.Links.Count];
        private readonly Step[] _steps = new Step[request.Links.Count];
        private CreateLinksResult? _found;
        private StoredReply? _reply;
        private volatile bool _isAbandoned;

        private enum Step
        {
            Open,
            Proposed,
            Done,
        }

        public CreateLinks Request => request;

        public Task<CreateLinksResult> Completion => _completion.Task;

        public bool IsAnswered => _completion.Task.IsCompleted;

        /// <summary>Whether a caller still waits for it.</summary>
        public bool IsWanted
        {
            get
            {
                if (cancellationToken.IsCancellationRequested)
                    _completion.TrySetCanceled(cancellationToken);
                return !_isAbandoned && !IsAnswered;
            }
        }

        public void Abandon() => _isAbandoned = true;

        public void Begin()
        {
            _found = null;
            _reply = null;
            System.Array.Clear(_links);
            System.Array.Clear(_steps);
        }

        public void Found(CreateLinksResult result) => _found = result;

        public void Propose(Round round, KeyEpoch epoch)
        {
            for (var i = 0; _found is null && i < _steps.Length; i++)
            {
                if (_steps[i] != Step.Open)
                    continue;
                var link = request.Links[i];
                var key = link.Alias is null ? NextKey(epoch) : Key.OnDemand(link.Alias);
                if (round.TryAdd(key, link, request))
                    (_steps[i], _proposed[i]) = (Step.Proposed, key);
            }
        }

        public void Conclude(HashSet<string> claimed)
        {
            for (var i = 0; i < _steps.Length; i++)
            {
                if (_steps[i] != Step.Proposed)
                    continue;
                var (code, link) = (_proposed[i].Code, request.Links[i]);
                if (claimed.Contains(code))
                    _links[i] = new Link(
                        code,
                        link.OriginalUrl,
                        request.UserId,
                        request.Now,
                        link.ExpiresAt?.ToUniversalTime(),
                        0,
                        null,
                        true,
                        link.RedirectType,
                        link.Metadata
                    );
                _steps[i] = _links[i] is not null || link.Alias is not null ? Step.Done : Step.Open;
            }
        }

        /// <summary>Renders the reply to store; null if there is none.</summary>
        public StoredReply? BuildReply() =>
            _reply =
                _found is null && request.Idempotency is { } idempotency && System.Array.Exists(_links, link => link is not null)
                    ? idempotency.BuildReply(_links)
                    : null;

        public void Answer() => _completion.TrySetResult(_found ?? new CreateLinksResult.Created(_links, _reply));

        public void Fail(Exception error) => _completion.TrySetException(error);

        private Key NextKey(KeyEpoch epoch)
        {
            Key key;
            do key = request.NextKey();
            while (key.Epoch < epoch.Current);
            return key;
        }
    }
}
