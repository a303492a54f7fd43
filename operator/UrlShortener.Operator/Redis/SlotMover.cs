using System.Globalization;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Redis.Cluster;
using UrlShortener.Operator.Redis.Protocol;

namespace UrlShortener.Operator.Redis;

/// <summary>
/// Moves slots between two masters, key by key, while clients use them: a client that asks the old owner for a key that has moved is sent to the new one. Every
/// command may be repeated, so that a move continues after the death of an operator.
/// </summary>
/// <param name="sendAsync">Sends commands to the node in a pod, with a time limit.</param>
/// <param name="isOver">Whether the time of the step is over.</param>
internal sealed class SlotMover(Func<string, TimeSpan, IReadOnlyList<IReadOnlyList<string>>, Task<IReadOnlyList<RedisOutcome>>> sendAsync, Func<bool> isOver)
{
    /// <summary>
    /// Size of the largest key that is moved. Both nodes do nothing else while a key moves: with 8 MiB for less than half a second, with 60 MiB for 3 s, which is
    /// longer than the node timeout (docs/redis.md).
    /// </summary>
    public const long LargestKey = 8 * 1024 * 1024;

    // Time in which the nodes exchange a batch: a fraction of a second.
    private const long BatchBytes = 1024 * 1024;
    private const int BatchKeys = 100;

    private const long StepBytes = 4 * BatchBytes;

    // Few enough that clients are sent from one owner to the other for a moment only.
    private const int SlotsAtOnce = 16;

    // Keys of a slot whose size is known before its move begins.
    private const int FirstKeys = 500;
    private const int SizesAtOnce = 500;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);

    // Longer than the nodes give each other.
    private static readonly TimeSpan MigrateLimit = TimeSpan.FromSeconds(5);
    private const int ExchangeMillis = 500;

    /// <summary>Moves slots, some at once, until all are moved, time is over or a command fails. A slot with a key that is too large is left alone.</summary>
    /// <param name="move">The slots and the nodes.</param>
    /// <param name="password">Password of the nodes.</param>
    public async Task<SlotMoveOutcome> MoveAsync(RedisAction.MoveSlots move, string password)
    {
        var result = new SlotMoveOutcome(0, null, null);
        foreach (var slots in move.Slots.Chunk(SlotsAtOnce))
        {
            var (moved, held, error) = await MoveAsync(move, slots, password);
            result = new SlotMoveOutcome(result.Moved + moved, result.Held ?? held, error);
            if (error is not null || isOver())
                break;
        }

        return result;
    }

    private async Task<SlotMoveOutcome> MoveAsync(RedisAction.MoveSlots move, int[] slots, string password)
    {
        var sizes = new Dictionary<string, long>(StringComparer.Ordinal);
        (int Slot, string Why)? held = null;
        List<int> open = [.. slots];
        if (!move.IsResumed)
        {
            var (found, unread) = await ReadKeysAsync(move.SourcePod, open, FirstKeys, sizes);
            if (unread is not null)
                return new SlotMoveOutcome(0, null, unread);
            held = TooLarge(found, sizes);
            open.RemoveAll(slot => found[slot].Any(key => sizes[key] > LargestKey));
            if (await OpenAsync(move, open) is { } notOpen)
                return new SlotMoveOutcome(0, held, notOpen);
        }
        else if (await SetAsync(move, open) is { } notOpen)
        {
            return new SlotMoveOutcome(0, null, notOpen);
        }

        var moved = 0;
        while (open.Count > 0)
        {
            var (found, unread) = await ReadKeysAsync(move.SourcePod, open, BatchKeys, sizes);
            if (unread is not null)
                return new SlotMoveOutcome(moved, held, unread);
            List<int> empty = [.. open.Where(slot => found[slot].Count == 0)];
            if (await CloseAsync(move, empty) is { } notClosed)
                return new SlotMoveOutcome(moved, held, notClosed);
            moved += empty.Count;
            held ??= TooLarge(found, sizes);
            // A slot whose key has grown meanwhile stays open.
            open.RemoveAll(slot => empty.Contains(slot) || found[slot].Any(key => sizes[key] > LargestKey));
            if (isOver())
                break;
            if (await MigrateAsync(move, open.Select(slot => found[slot]), sizes, password) is { } notMigrated)
                return new SlotMoveOutcome(moved, held, notMigrated);
        }

        return new SlotMoveOutcome(moved, held, null);
    }

    // Begins the move of slots whose new owner has no key of them that anyone could have read.
    private async Task<string?> OpenAsync(RedisAction.MoveSlots move, List<int> slots)
    {
        var counts = await SendAsync(move.Pod, slots.Select(slot => (string[])["CLUSTER", "COUNTKEYSINSLOT", Text(slot)]));
        if (FirstError(counts) is { } unread)
            return unread;
        if (FirstError(await SendAsync(move.Pod, SetSlot(slots, "IMPORTING", move.SourceId))) is { } notImporting)
            return notImporting;
        foreach (var (slot, count) in slots.Zip(counts))
        {
            if (count.Reply!.Text != "0" && await RemoveLeftoversAsync(move.Pod, Text(slot)) is { } notRemoved)
                return notRemoved;
        }

        return FirstError(await SendAsync(move.SourcePod, SetSlot(slots, "MIGRATING", move.Id)));
    }

    // First the new owner: a client that is sent there must be let in.
    private async Task<string?> SetAsync(RedisAction.MoveSlots move, List<int> slots) =>
        FirstError(await SendAsync(move.Pod, SetSlot(slots, "IMPORTING", move.SourceId)))
        ?? FirstError(await SendAsync(move.SourcePod, SetSlot(slots, "MIGRATING", move.Id)));

    // The new owner takes a newer epoch, so that its claim counts. Then the old one: until it knows, it sends clients on. Others hear of it from the new owner
    // anyway.
    private async Task<string?> CloseAsync(RedisAction.MoveSlots move, List<int> slots)
    {
        var commands = SetSlot(slots, "NODE", move.Id).ToList();
        if (FirstError(await SendAsync(move.Pod, commands)) is { } notClaimed)
            return notClaimed;
        if (FirstError(await SendAsync(move.SourcePod, commands)) is { } notTold)
            return notTold;
        await Task.WhenAll(move.Others.Select(pod => SendAsync(pod, commands)));
        return null;
    }

    // A key that the new owner has as well is older there: clients change it at the old owner as long as that has it.
    private async Task<string?> MigrateAsync(
        RedisAction.MoveSlots move,
        IEnumerable<IReadOnlyList<string>> keysOfSlots,
        Dictionary<string, long> sizes,
        string password
    )
    {
        var bytes = 0L;
        var commands = new List<IReadOnlyList<string>>();
        foreach (var keys in keysOfSlots.TakeWhile(_ => bytes < StepBytes))
        {
            string[] batch = [.. BatchOf(keys, sizes)];
            bytes += batch.Sum(key => sizes[key]);
            commands.Add(["MIGRATE", move.Ip, Text(RedisNames.Port), "", "0", Text(ExchangeMillis), "REPLACE", "AUTH2", "default", password, "KEYS", .. batch]);
        }

        return commands.Count == 0 ? null : FirstError(await sendAsync(move.SourcePod, MigrateLimit, commands));
    }

    private static (int Slot, string Why)? TooLarge(Dictionary<int, IReadOnlyList<string>> found, Dictionary<string, long> sizes)
    {
        foreach (var (slot, keys) in found)
        {
            if (keys.FirstOrDefault(key => sizes[key] > LargestKey) is { } key)
                return (
                    slot,
                    $"slot {Text(slot)} has key \"{Texts.Cut(key, 128)}\" with {Text((int)(sizes[key] >> 20))} MiB; a key above {Text((int)(LargestKey >> 20))} MiB "
                        + "would stop both nodes for too long while it moves"
                );
        }

        return null;
    }

    private static IEnumerable<string> BatchOf(IReadOnlyList<string> keys, Dictionary<string, long> sizes)
    {
        var bytes = 0L;
        foreach (var key in keys)
        {
            if (bytes > 0 && bytes + sizes[key] > BatchBytes)
                yield break;
            bytes += sizes[key];
            yield return key;
        }
    }

    // Keys of slots at a node; adds sizes that are not known yet. A key without a size has expired or was deleted meanwhile.
    private async Task<(Dictionary<int, IReadOnlyList<string>> Keys, string? Error)> ReadKeysAsync(
        string pod,
        IReadOnlyList<int> slots,
        int count,
        Dictionary<string, long> sizes
    )
    {
        var answers = await SendAsync(pod, slots.Select(slot => (string[])["CLUSTER", "GETKEYSINSLOT", Text(slot), Text(count)]));
        if (FirstError(answers) is { } unread)
            return ([], unread);
        var found = slots
            .Zip(answers)
            .ToDictionary(pair => pair.First, IReadOnlyList<string> (pair) => [.. pair.Second.Reply!.Items.Select(item => item.Text)]);
        foreach (var unknown in found.Values.SelectMany(keys => keys).Where(key => !sizes.ContainsKey(key)).Chunk(SizesAtOnce))
        {
            foreach (var (key, outcome) in unknown.Zip(await SendAsync(pod, unknown.Select(key => (string[])["MEMORY", "USAGE", key]))))
            {
                // The node has just lost the key, and sends clients on.
                if (!outcome.Succeeded && outcome.Error?.StartsWith("ASK ", StringComparison.Ordinal) != true)
                    return ([], outcome.Error);
                sizes[key] = long.TryParse(outcome.Text, NumberStyles.None, CultureInfo.InvariantCulture, out var size) ? size : 0;
            }
        }

        return (found, null);
    }

    // Keys of a slot at a node that does not own it, and to which no move has brought them: those of a move whose both masters were succeeded. Nobody could read
    // them since, so that they are outdated.
    private async Task<string?> RemoveLeftoversAsync(string pod, string slot)
    {
        while (true)
        {
            var answer = (
                await SendAsync(
                    pod,
                    [
                        ["CLUSTER", "GETKEYSINSLOT", slot, Text(BatchKeys)],
                    ]
                )
            )[0];
            if (!answer.Succeeded || answer.Reply!.Items.Count == 0)
                return answer.Error;
            var commands = answer.Reply.Items.SelectMany(key => new string[][] { ["ASKING"], ["UNLINK", key.Text] });
            if (FirstError(await SendAsync(pod, commands)) is { } failed)
                return failed;
        }
    }

    private static IEnumerable<string[]> SetSlot(IEnumerable<int> slots, string what, string id) =>
        slots.Select(slot => (string[])["CLUSTER", "SETSLOT", Text(slot), what, id]);

    private static string? FirstError(IReadOnlyList<RedisOutcome> outcomes) => outcomes.FirstOrDefault(outcome => !outcome.Succeeded)?.Error;

    private async Task<IReadOnlyList<RedisOutcome>> SendAsync(string pod, IEnumerable<string[]> commands)
    {
        var all = commands.ToList();
        return all.Count == 0 ? [] : await sendAsync(pod, Limit, all);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
