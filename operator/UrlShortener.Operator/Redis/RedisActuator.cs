using System.Globalization;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.Operator.Redis.Cluster;
using UrlShortener.Operator.Redis.Protocol;

namespace UrlShortener.Operator.Redis;

/// <summary>Carries out the steps of a plan at the nodes.</summary>
internal sealed class RedisActuator(RedisClient redis, ResourceClient kubernetes, TimeProvider time)
{
    private static readonly TimeSpan CommandLimit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan FailoverLimit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan MoveLimit = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan FailoverPause = TimeSpan.FromMilliseconds(20);

    /// <summary>Carries out one step. For a failover, returns when the node is the master, or after two seconds.</summary>
    /// <param name="action">The step.</param>
    /// <param name="observed">The objects of the region's Redis.</param>
    /// <param name="access">Password and certificates.</param>
    /// <param name="cancellationToken">Ends the commands.</param>
    /// <returns>Why it failed; null: it did not.</returns>
    public async Task<string?> TakeAsync(RedisAction action, ObservedRedis observed, RedisAccess access, CancellationToken cancellationToken)
    {
        var node = observed.Nodes.First(node => node.Name == action.Pod);
        if (action is RedisAction.MoveSlots)
            throw new ArgumentException("Slots are moved by MoveAsync.", nameof(action));
        if (action is RedisAction.Restart)
        {
            if (observed.Pods.FirstOrDefault(pod => pod.Metadata.Name == action.Pod) is { } pod)
                await kubernetes.DeleteAsync(pod, cancellationToken);
            return null;
        }

        foreach (var command in CommandsOf(action))
        {
            var outcome = await redis.SendAsync(RedisObserver.AddressOf(node), access, CommandLimit, command, cancellationToken);
            // An epoch can be set once; the cluster resolves a collision itself.
            if (!outcome.Succeeded && command[1] != "SET-CONFIG-EPOCH")
                return outcome.Error;
        }

        return action is RedisAction.Failover ? await AwaitAsync(node, access, cancellationToken) : null;
    }

    /// <summary>Moves slots for a short time: in that time nobody looks after nodes that fail.</summary>
    public async Task<SlotMoveOutcome> MoveAsync(RedisAction.MoveSlots move, ObservedRedis observed, RedisAccess access, CancellationToken cancellationToken)
    {
        var began = time.GetTimestamp();
        var addresses = observed.Nodes.Where(node => node.Ip is not null).ToDictionary(node => node.Name, RedisObserver.AddressOf);
        var mover = new SlotMover(
            (pod, limit, commands) => redis.SendAsync(addresses[pod], access, limit, commands, cancellationToken),
            () => time.GetElapsedTime(began) >= MoveLimit
        );
        return await mover.MoveAsync(move, access.Password ?? "");
    }

    /// <summary>
    /// Lets a node read its certificate again if it serves another one than the current. The kubelet writes a changed Secret into the pod within about a minute.
    /// </summary>
    /// <param name="node">The pod.</param>
    /// <param name="access">Password and certificates.</param>
    /// <param name="serial">Serial number of the current certificate.</param>
    /// <param name="cancellationToken">Ends the commands.</param>
    /// <returns>Whether new connections get the current certificate.</returns>
    public async Task<bool> RenewCertificateAsync(RedisPod node, RedisAccess access, string serial, CancellationToken cancellationToken)
    {
        var address = RedisObserver.AddressOf(node);
        if (await RedisClient.ReadCertificateAsync(address, access, CommandLimit, cancellationToken) == serial)
            return true;
        // The same paths: a node reads the files again whenever it is told their names.
        var names = await redis.SendAsync(address, access, CommandLimit, ["CONFIG", "GET", "tls-*-file"], cancellationToken);
        if (!names.Succeeded || names.Reply!.Items.Count == 0)
            return false;
        string[] files = [.. names.Reply.Items.Chunk(2).Where(pair => pair is [_, { Text.Length: > 0 }]).SelectMany(pair => pair).Select(item => item.Text)];
        await redis.SendAsync(address, access, CommandLimit, ["CONFIG", "SET", .. files], cancellationToken);
        return await RedisClient.ReadCertificateAsync(address, access, CommandLimit, cancellationToken) == serial;
    }

    /// <summary>What nodes say about passwords, by pod; null: a node did not answer in full.</summary>
    /// <param name="pods">The pods.</param>
    /// <param name="access">Passwords and certificates.</param>
    /// <param name="cancellationToken">Ends the commands.</param>
    public async Task<IReadOnlyDictionary<string, NodePasswords?>> AskPasswordsAsync(
        IReadOnlyList<RedisPod> pods,
        RedisAccess access,
        CancellationToken cancellationToken
    )
    {
        var answers = await Task.WhenAll(
            pods.Select(async pod =>
                (
                    pod.Name,
                    Says: pod.Ip is null
                        ? null
                        : NodePasswords.Of(
                            await redis.SendAsync(RedisObserver.AddressOf(pod), access, CommandLimit, NodePasswords.Questions, cancellationToken)
                        )
                )
            )
        );
        return answers.ToDictionary(answer => answer.Name, answer => answer.Says);
    }

    /// <summary>Carries out a step of a rotation at a node.</summary>
    /// <param name="step">The step.</param>
    /// <param name="pods">The pods.</param>
    /// <param name="access">Passwords and certificates.</param>
    /// <param name="cancellationToken">Ends the commands.</param>
    /// <returns>Why it failed; null: it did not.</returns>
    public async Task<string?> TakeAsync(PasswordStep step, IReadOnlyList<RedisPod> pods, RedisAccess access, CancellationToken cancellationToken)
    {
        var (name, commands) = CommandsOf(step);
        if (commands.Count == 0 || pods.FirstOrDefault(pod => pod.Name == name) is not { Ip: not null } pod)
            return null;
        var outcomes = await redis.SendAsync(RedisObserver.AddressOf(pod), access, CommandLimit, commands, cancellationToken);
        return outcomes.FirstOrDefault(outcome => !outcome.Succeeded)?.Error;
    }

    /// <summary>The commands of a step of a rotation, and their pod. Pure.</summary>
    public static (string Pod, IReadOnlyList<IReadOnlyList<string>> Commands) CommandsOf(PasswordStep step) =>
        step switch
        {
            PasswordStep.Accept accept => (
                accept.Pod,
                [
                    ["ACL", "SETUSER", "default", "on", "allcommands", "allkeys", "allchannels", $"#{RedisPasswords.HashOf(accept.Password)}"],
                ]
            ),
            PasswordStep.Link link => (
                link.Pod,
                [
                    ["CONFIG", "SET", "masterauth", link.Password],
                ]
            ),
            // At once: no connection can be made with the former password after the others have ended, and an operator that dies leaves nothing half done.
            PasswordStep.Retire retire => (
                retire.Pod,
                [
                    ["MULTI"],
                    ["ACL", "SETUSER", "default", "resetpass", $"#{retire.Hash}"],
                    ["CLIENT", "KILL", "TYPE", "replica"],
                    ["CLIENT", "KILL", "TYPE", "master"],
                    ["CLIENT", "KILL", "TYPE", "pubsub"],
                    ["CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes"],
                    ["EXEC"],
                ]
            ),
            _ => ("", []),
        };

    /// <summary>The commands of a step. Pure.</summary>
    public static IReadOnlyList<IReadOnlyList<string>> CommandsOf(RedisAction action) =>
        action switch
        {
            RedisAction.Meet meet =>
            [
                ["CLUSTER", "MEET", meet.Ip, Text(RedisNames.Port), Text(RedisNames.BusPort)],
            ],
            RedisAction.AddSlots slots =>
            [
                .. slots.Epoch is { } epoch
                    ? (IEnumerable<IReadOnlyList<string>>)
                        [
                            ["CLUSTER", "SET-CONFIG-EPOCH", Text(epoch)],
                        ]
                    : [],
                ["CLUSTER", "ADDSLOTSRANGE", .. slots.Ranges.SelectMany(range => new[] { Text(range.First), Text(range.Last) })],
            ],
            RedisAction.Replicate replicate =>
            [
                ["CLUSTER", "REPLICATE", replicate.MasterId],
            ],
            RedisAction.Failover { Kind: FailoverKind.Graceful } =>
            [
                ["CLUSTER", "FAILOVER"],
            ],
            RedisAction.Failover failover =>
            [
                ["CLUSTER", "FAILOVER", failover.Kind == FailoverKind.Force ? "FORCE" : "TAKEOVER"],
            ],
            RedisAction.Forget forget =>
            [
                ["CLUSTER", "FORGET", forget.Id],
            ],
            RedisAction.CloseSlot { OwnerId: { } owner } close =>
            [
                ["CLUSTER", "SETSLOT", Text(close.Slot), "NODE", owner],
            ],
            RedisAction.CloseSlot close =>
            [
                ["CLUSTER", "SETSLOT", Text(close.Slot), "STABLE"],
            ],
            // A reset empties a replica in memory only; FLUSHALL empties its file as well. A node without slots has no key that anyone could read.
            RedisAction.Retire =>
            [
                ["CLUSTER", "RESET", "HARD"],
                ["FLUSHALL"],
            ],
            RedisAction.Configure configure =>
            [
                ["CONFIG", "SET", .. configure.Settings.SelectMany(setting => new[] { setting.Key, setting.Value })],
            ],
            _ => [],
        };

    private async Task<string?> AwaitAsync(RedisPod node, RedisAccess access, CancellationToken cancellationToken)
    {
        for (var began = time.GetTimestamp(); time.GetElapsedTime(began) < FailoverLimit; )
        {
            var answer = await redis.SendAsync(RedisObserver.AddressOf(node), access, CommandLimit, ["CLUSTER", "NODES"], cancellationToken);
            if (ClusterMember.TryParseAll(answer.Text)?.FirstOrDefault(member => member.IsSelf) is { IsMaster: true, Slots.Count: > 0 })
                return null;
            await Task.Delay(FailoverPause, time, cancellationToken);
        }

        return "the replica has not become the master within 2 s";
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
