using BitFaster.Caching.Lru;
using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Users;

/// <summary>
/// Keeps users within their quotas. A request takes the bytes that it is about to store before it stores them. This process knows its own requests at once;
/// what other processes store it reads with the user's sum every few seconds, and before it refuses anything, so that a deletion counts at once.
/// </summary>
internal sealed class StorageQuota(IUserStore store, QuotaOptions options, TimeProvider time)
{
    /// <summary>The longest that what other processes stored goes unnoticed.</summary>
    public static readonly TimeSpan HeldFor = TimeSpan.FromSeconds(5);

    private const int Capacity = 10_000;

    private readonly ConcurrentLru<long, Account> _accounts = new(Capacity);

    /// <summary>Takes bytes of a user's quota: for each item all that it needs, or nothing, in the order of the items.</summary>
    /// <param name="user">Whose quota.</param>
    /// <param name="items">Bytes that each of them is about to store.</param>
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

    /// <summary>What this process knows of a user: the sum that it read last, and what its own requests added since.</summary>
    internal sealed class Account
    {
        private readonly Lock _lock = new();

        // Neither falls; a reading includes what was stored before it began.
        private long _stored;
        private long _storedBeforeReading;
        private int _readingsBegun;
        private int _newestReading;
        private long _open;
        private long _read;
        private long _quota;
        private long _begunAt;

        /// <summary>Whether the caller should read the sum: nobody has, or it was too long ago and nobody else is at it.</summary>
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

        /// <summary>Takes note of what was read, unless a reading that began later has ended before.</summary>
        public void EndReading(Reading reading, long bytes, long quota)
        {
            lock (_lock)
            {
                if (reading.Number < _newestReading)
                    return;
                (_newestReading, _storedBeforeReading, _read, _quota) = (reading.Number, reading.Stored, bytes, quota);
            }
        }

        /// <summary>Takes all that was asked for, or null.</summary>
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

        /// <summary>Takes item after item, without those that do not fit.</summary>
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

        /// <summary>A reading under way.</summary>
        internal readonly record struct Reading(int Number, long Stored);
    }
}

/// <summary>Bytes taken of a quota, until what was stored is known. Disposed of before that, all of it counts as stored until the sum is read again.</summary>
internal sealed class StorageGrant(StorageQuota.Account? account, long taken, bool[]? isGranted, OverQuota overQuota) : IDisposable
{
    private long? _stored;

    /// <summary>A grant where there is no quota.</summary>
    public static StorageGrant Unlimited { get; } = new(null, 0, null, default);

    /// <summary>Whether an item got what it needs.</summary>
    public bool Has(int item) => isGranted is null || isGranted[item];

    /// <summary>Whether every item got what it needs.</summary>
    public bool HasAll => isGranted is null || Array.TrueForAll(isGranted, granted => granted);

    /// <summary>What was used before, where an item did not get what it needs.</summary>
    public OverQuota OverQuota => overQuota;

    /// <summary>Says what was stored in the end.</summary>
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
