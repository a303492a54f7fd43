using BitFaster.Caching.Lru;
using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Users;

/// <summary>
/// Enforces the quotas of users. A request takes the bytes that it is about to store before it stores them. This process counts its own requests immediately.
/// It reads the user's sum, which includes what other processes store, every few seconds and before it refuses anything, so that a deletion counts at once.
/// </summary>
internal sealed class StorageQuota(IUserStore store, QuotaOptions options, TimeProvider time)
{
    /// <summary>Longest time for which this process may miss what other processes stored.</summary>
    public static readonly TimeSpan HeldFor = TimeSpan.FromSeconds(5);

    private const int Capacity = 10_000;

    private readonly ConcurrentLru<long, Account> _accounts = new(Capacity);

    /// <summary>Takes bytes of a user's quota. In their order, each item gets all that it needs or nothing.</summary>
    /// <param name="user">Owner of the quota.</param>
    /// <param name="items">Bytes that each item is about to store.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    public async ValueTask<StorageGrant> TakeAsync(User user, IReadOnlyList<long> items, CancellationToken cancellationToken)
    {
        var account = _accounts.GetOrAdd(user.Id, _ => new Account());
        var isNewest = account.TryBeginReading(time);
        if (isNewest)
            await ReadAsync(account, user, cancellationToken);
        if (account.TryTakeAll(items) is { } all)
            return all;
        if (!isNewest)
            await ReadAsync(account, user, cancellationToken);
        return account.TakeWhatFits(items);
    }

    private async Task ReadAsync(Account account, User user, CancellationToken cancellationToken)
    {
        var reading = account.BeginReading();
        var usage = await store.ReadStorageAsync(user.Id, cancellationToken);
        account.EndReading(reading, usage.Bytes, usage.Quota ?? options.Of(user.Tier));
    }

    /// <summary>What this process knows about a user: the sum that it read last, and what its own requests added since.</summary>
    internal sealed class Account
    {
        private readonly Lock _lock = new();

        // These two never decrease. A reading includes everything stored before it began.
        private long _stored;
        private long _storedBeforeReading;
        private int _readingsBegun;
        private int _newestReading;
        private long _open;
        private long _read;
        private long _quota;
        private long _begunAt;

        /// <summary>Whether the caller should read the sum: it was never read, or the last reading is too old and no other caller has started one.</summary>
        public bool TryBeginReading(TimeProvider time)
        {
            lock (_lock)
            {
                if (_newestReading > 0 && time.GetElapsedTime(_begunAt) < HeldFor)
                    return false;
                _begunAt = time.GetTimestamp();
                return true;
            }
        }

        /// <summary>Call before the sum is read.</summary>
        public Reading BeginReading()
        {
            lock (_lock)
                return new Reading(++_readingsBegun, _stored);
        }

        /// <summary>Stores the result of a reading, unless a later reading has already ended.</summary>
        public void EndReading(Reading reading, long bytes, long quota)
        {
            lock (_lock)
            {
                if (reading.Number < _newestReading)
                    return;
                (_newestReading, _storedBeforeReading, _read, _quota) = (reading.Number, reading.Stored, bytes, quota);
            }
        }

        /// <summary>Takes all requested bytes, or returns null.</summary>
        public StorageGrant? TryTakeAll(IReadOnlyList<long> items)
        {
            var sum = items.Sum();
            lock (_lock)
            {
                if (Used + sum > _quota)
                    return null;
                _open += sum;
                return new StorageGrant(this, sum, null, default);
            }
        }

        /// <summary>Takes the items one by one and skips those that do not fit.</summary>
        public StorageGrant TakeWhatFits(IReadOnlyList<long> items)
        {
            lock (_lock)
            {
                var before = new OverQuota(Used, _quota);
                var isGranted = new bool[items.Count];
                var sum = 0L;
                for (var i = 0; i < items.Count; i++)
                {
                    isGranted[i] = before.Used + sum + items[i] <= _quota;
                    sum += isGranted[i] ? items[i] : 0;
                }

                _open += sum;
                return new StorageGrant(this, sum, isGranted, before);
            }
        }

        /// <summary>Ends a grant.</summary>
        public void End(long taken, long stored)
        {
            lock (_lock)
            {
                _open -= taken;
                _stored += stored;
            }
        }

        private long Used => _read + _stored - _storedBeforeReading + _open;

        /// <summary>A reading in progress.</summary>
        internal readonly record struct Reading(int Number, long Stored);
    }
}

/// <summary>Bytes taken from a quota until the stored size is known. If disposed before that, all bytes count as stored until the sum is read again.</summary>
internal sealed class StorageGrant(StorageQuota.Account? account, long taken, bool[]? isGranted, OverQuota overQuota) : IDisposable
{
    private long? _stored;

    /// <summary>The grant when there is no quota.</summary>
    public static StorageGrant Unlimited { get; } = new(null, 0, null, default);

    /// <summary>Whether an item got the bytes that it needs.</summary>
    public bool Has(int item) => isGranted is null || isGranted[item];

    /// <summary>Whether every item got the bytes that it needs.</summary>
    public bool HasAll => isGranted is null || Array.TrueForAll(isGranted, granted => granted);

    /// <summary>The usage before this grant, if an item did not get the bytes that it needs.</summary>
    public OverQuota OverQuota => overQuota;

    /// <summary>Reports how much was actually stored.</summary>
    public void Stored(long bytes) => _stored = bytes;

    /// <inheritdoc />
    public void Dispose() => account?.End(taken, _stored ?? taken);
}

/// <summary>Why a request was refused.</summary>
/// <param name="Used">Bytes that the user stores.</param>
/// <param name="Quota">Bytes that they may store.</param>
internal readonly record struct OverQuota(long Used, long Quota)
{
    /// <summary>What is wrong and what to do.</summary>
    public string Explain(long needed) =>
        string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"This would store {needed:N0} bytes more. You store {Used:N0} of {Quota:N0} bytes. Delete links, or ask the operator of this service for "
                + $"a larger quota."
        );
}
