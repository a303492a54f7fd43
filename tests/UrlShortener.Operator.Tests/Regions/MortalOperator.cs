using System.Globalization;
using System.Text.Json.Nodes;
using k8s;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using UrlShortener.Operator.Backups;
using UrlShortener.Operator.Tests.Installation;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.Operator.Tests.Regions;

/// <summary>
/// An operator that is killed each time it has created its first Job of a kind, before it can write what it knows of it. Then another one starts. The API server
/// hears nothing of the dead one any more. The first one is a process of its own, which is killed (SIGKILL); the others are in this process, with shorter times.
/// </summary>
internal sealed class MortalOperator : IAsyncDisposable
{
    private readonly RegionLab _lab;
    private readonly BackupTiming _timing;
    private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _sync = new();

    // Guarded by the lock, as all below.
    private readonly HashSet<BackupKind> _left;
    private readonly List<(BackupKind Kind, string Name)> _created = [];
    private bool _isDead;
    private TaskCompletionSource _death = NewDeath();
    private ApiProxy _proxy = null!;
    private Task _running = Task.CompletedTask;

    private MortalOperator(RegionLab lab, BackupTiming timing, IEnumerable<BackupKind> kinds) => (_lab, _timing, _left) = (lab, timing, [.. kinds]);

    /// <summary>The Jobs of backups that operators created, the first one first.</summary>
    public IReadOnlyList<(BackupKind Kind, string Name)> Created
    {
        get
        {
            lock (_sync)
                return [.. _created];
        }
    }

    /// <summary>Whether the first operator ran until it was killed.</summary>
    public bool IsProgramKilled { get; private set; }

    /// <summary>Kinds of Jobs that no operator has created yet.</summary>
    public IReadOnlyList<BackupKind> Left
    {
        get
        {
            lock (_sync)
                return [.. _left];
        }
    }

    /// <summary>Starts the first one.</summary>
    /// <param name="lab">The laboratory.</param>
    /// <param name="timing">Times of the controller of backups.</param>
    /// <param name="kinds">The kinds of Jobs.</param>
    public static async Task<MortalOperator> StartAsync(RegionLab lab, BackupTiming timing, params IEnumerable<BackupKind> kinds)
    {
        var mortal = new MortalOperator(lab, timing, kinds);
        mortal._proxy = await ApiProxy.StartAsync(lab.Cluster, mortal.PassAsync);
        mortal._running = mortal.RunAsync();
        return mortal;
    }

    public async ValueTask DisposeAsync()
    {
        _end.TrySetResult();
        await _running;
        await _proxy.DisposeAsync();
    }

    private static TaskCompletionSource NewDeath() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task RunAsync()
    {
        await RunProgramAsync();
        while (!_end.Task.IsCompleted)
        {
            await using (
                await TestOperator.StartAsync(
                    () => new KubernetesClientConfiguration { Host = _proxy.Address },
                    _lab.Namespace,
                    services: services => services.AddSingleton(_timing)
                )
            )
                await Task.WhenAny(_death.Task, _end.Task);
            Revive();
        }
    }

    private async Task RunProgramAsync()
    {
        var folder = ServerFolder.Create(onDisk: false);
        try
        {
            var kubeconfig = folder.PathOf("kubeconfig");
            await File.WriteAllTextAsync(
                kubeconfig,
                $$"""
                apiVersion: v1
                kind: Config
                clusters: [{ name: test, cluster: { server: "{{_proxy.Address}}" } }]
                users: [{ name: test, user: { token: none } }]
                contexts: [{ name: test, context: { cluster: test, user: test } }]
                current-context: test
                """
            );
            await using var program = await OperatorProgram.StartAsync(
                new Dictionary<string, string>
                {
                    ["KUBECONFIG"] = kubeconfig,
                    ["Operator:Namespaces"] = _lab.Namespace,
                    ["Operator:Port"] = Ports.Take().ToString(CultureInfo.InvariantCulture),
                    ["Operator:LeaderElection:Enabled"] = "false",
                    ["Operator:Webhooks:Enabled"] = "false",
                },
                CancellationToken.None
            );
            await Task.WhenAny(_death.Task, _end.Task);
            IsProgramKilled = program.IsRunning;
            await program.KillAsync(CancellationToken.None);
        }
        finally
        {
            folder.Delete();
        }

        Revive();
    }

    private void Revive()
    {
        lock (_sync)
            (_isDead, _death) = (false, NewDeath());
    }

    private Task PassAsync(HttpRequest request, string body)
    {
        lock (_sync)
        {
            if (_isDead)
            {
                request.HttpContext.Abort();
                throw new OperationCanceledException("The operator is dead.");
            }

            if (!HttpMethods.IsPost(request.Method) || !request.Path.Value!.EndsWith("/jobs", StringComparison.Ordinal) || FindJob(body) is not { } job)
                return Task.CompletedTask;
            _created.Add(job);
            if (!_left.Remove(job.Kind))
                return Task.CompletedTask;
            _isDead = true;
            var death = _death;
            // The API server has the Job by then.
            request.HttpContext.Response.OnCompleted(() =>
            {
                death.TrySetResult();
                return Task.CompletedTask;
            });
            return Task.CompletedTask;
        }
    }

    private static (BackupKind Kind, string Name)? FindJob(string body) =>
        JsonNode.Parse(body)!["metadata"] is { } metadata && (string?)metadata["labels"]?[BackupResources.KindLabel] is { } kind
            ? (Enum.Parse<BackupKind>(kind), (string)metadata["name"]!)
            : null;
}
