using System.Diagnostics;
using k8s.Models;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>One container of a pod, from its first start to its last end.</summary>
internal sealed class ContainerRunner(PodWorker pod, V1Container container, bool isInit)
{
    private static readonly TimeSpan PullRetryPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan HookLimit = TimeSpan.FromSeconds(30);

    // Between the first two questions of a probe, each next one half as long again.
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);

    private ContainerProcess? _process;
    private ContainerCommands? _commands;

    public V1Container Container => container;

    /// <summary>Written by the container's own task and its probes, read by the one that writes the pod's status.</summary>
    public ContainerState State { get; private set; } = ContainerState.Waiting(isInit ? "PodInitializing" : "ContainerCreating");

    /// <summary>Number of the process that runs now; null when none does.</summary>
    public int? ProcessId => _process is { IsRunning: true } process ? process.Id : null;

    /// <summary>Runs commands in the container; null while it does not run.</summary>
    public ContainerCommands? Commands => ProcessId is null ? null : _commands;

    /// <summary>Numbers of all processes that run now.</summary>
    public IReadOnlyList<int> ReadProcesses() => _process?.ReadProcesses() ?? [];

    private KubeletContext Context => pod.Context;

    private string RestartPolicy => pod.Current.Spec.RestartPolicy;

    /// <summary>Runs the container until it has ended for good.</summary>
    public async Task RunAsync(CancellationToken gone)
    {
        for (var starts = 0; ; starts++)
        {
            if (starts > 1 && !await pod.PauseAsync(DelayBefore(starts), gone))
                return;
            await Context.WhilePoweredAsync(gone);
            if (await PrepareAsync(gone) is not ({ } launch, { } program))
                return;
            await RunOnceAsync(launch, program, starts, gone);
            if (pod.IsStopping || !IsToStartAgain())
                return;
            // What it was stays to be seen while it waits.
            var ended = State;
            if (starts > 0)
                Set(
                    ContainerState.Waiting("CrashLoopBackOff", $"back-off restarting failed container {container.Name}") with
                    {
                        Last = ended.Current,
                        Restarts = ended.Restarts,
                    }
                );
        }
    }

    /// <summary>Sends a signal to the program; with SIGKILL to all processes of the container.</summary>
    public async Task SignalAsync(int signal)
    {
        if (_process is not { IsRunning: true } process)
            return;
        if (signal == Signals.Kill)
            await process.KillAsync();
        else
            process.Signal(signal);
    }

    private TimeSpan DelayBefore(int starts)
    {
        var delay = Context.Options.RestartDelay * Math.Pow(2, Math.Min(starts - 2, 16));
        return delay < Context.Options.MaxRestartDelay ? delay : Context.Options.MaxRestartDelay;
    }

    private bool IsToStartAgain() =>
        RestartPolicy switch
        {
            "Never" => false,
            // An init container that has done its work is done.
            "Always" when !isInit => true,
            _ => State.Current.Terminated!.ExitCode != 0,
        };

    /// <summary>What a probe that has failed grants in place of the pod's time of grace.</summary>
    private TimeSpan? UnwellGrace =>
        (State.Started ? container.LivenessProbe : container.StartupProbe)?.TerminationGracePeriodSeconds is { } seconds ? TimeSpan.FromSeconds(seconds) : null;

    /// <summary>Waits until there is all that the container needs.</summary>
    /// <returns>Null when the pod is to stop before that.</returns>
    private async Task<(ContainerLaunch Launch, ContainerProgram Program)?> PrepareAsync(CancellationToken gone)
    {
        for (var attempt = 0; !pod.IsStopping; attempt++)
        {
            try
            {
                var launch = await pod.BuildLaunchAsync(container, gone);
                if (Context.Options.Program(launch) is { } program)
                    return (launch, program);
                Wait(attempt == 0 ? "ErrImagePull" : "ImagePullBackOff", $"no program is known for image \"{container.Image}\"");
            }
            catch (PodConfigurationException e)
            {
                Wait(e.Reason, e.Message);
            }

            if (!await pod.PauseAsync(PullRetryPause, gone))
                break;
        }

        return null;
    }

    private async Task RunOnceAsync(ContainerLaunch launch, ContainerProgram program, int starts, CancellationToken gone)
    {
        var began = Context.Time.GetUtcNow().UtcDateTime;
        var root = pod.BuildRoot(launch, program);
        await using var process = await ContainerProcess.StartAsync($"{pod.Name}/{container.Name}", program, root, pod.LogPathOf(container.Name), gone);
        _process = process;
        _commands = new ContainerCommands(process, program, root);
        var probe = new Probe(container, launch.PodIp, Context.Network?.Address, _commands);
        using var lifetime = CancellationTokenSource.CreateLinkedTokenSource(gone);
        Set(
            new ContainerState
            {
                Current = new V1ContainerState { Running = new V1ContainerStateRunning { StartedAt = began } },
                Last = State.Last ?? (State.IsTerminated ? State.Current : null),
                Restarts = starts,
                Started = !isInit && container.StartupProbe is null,
                Ready = !isInit && container is { StartupProbe: null, ReadinessProbe: null },
            }
        );
        var ended = process.WaitUntilEndedAsync(gone);
        var unwell = isInit ? Never(lifetime.Token) : WatchHealthAsync(probe, lifetime.Token);
        try
        {
            if (!isInit && container.Lifecycle?.PostStart is { } hook)
                await probe.DoAsync(hook, HookLimit, gone);
            var first = await Task.WhenAny(ended, unwell, pod.Stopping.WaitAsync(gone));
            // A probe that fails to run, and a pod that is gone, end it with their exception.
            if (first != ended)
                await first;
            if (!ended.IsCompleted)
                await StopAsync(process, probe, ended, first == unwell ? UnwellGrace : null, gone);
            await ended;
        }
        finally
        {
            await lifetime.CancelAsync();
            await Task.WhenAny(unwell, Task.CompletedTask);
            if (unwell.IsFaulted && !gone.IsCancellationRequested)
                await unwell;
        }

        var code = process.ExitCode;
        Crashes.Keep(code, pod.LogPathOf(container.Name));
        _process = null;
        Set(
            State with
            {
                Started = false,
                Ready = false,
                Current = new V1ContainerState
                {
                    Terminated = new V1ContainerStateTerminated
                    {
                        ExitCode = code,
                        Reason = code == 0 ? "Completed" : "Error",
                        Message =
                            await ReadMessageAsync(launch.Folder, gone)
                            ?? (
                                code != 0 && container.TerminationMessagePolicy == "FallbackToLogsOnError"
                                    ? await ReadEndAsync(pod.LogPathOf(container.Name), gone)
                                    : null
                            ),
                        StartedAt = began,
                        FinishedAt = Context.Time.GetUtcNow().UtcDateTime,
                        ContainerID = ContainerState.IdOf(pod.Current, container, starts),
                    },
                },
            }
        );
    }

    // What a kubelet keeps of it.
    private static async Task<string?> ReadMessageAsync(string folder, CancellationToken cancellationToken)
    {
        const int MaxCharacters = 4_096;
        var file = PodWorker.MessageFileOf(folder);
        if (!File.Exists(file) || await File.ReadAllTextAsync(file, cancellationToken) is not { Length: > 0 } text)
            return null;
        return text.Length > MaxCharacters ? text[..MaxCharacters] : text;
    }

    // What a kubelet keeps of a log.
    private static async Task<string> ReadEndAsync(string path, CancellationToken cancellationToken)
    {
        const int MaxBytes = 2_048;
        await using var log = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        log.Seek(-Math.Min(MaxBytes, log.Length), SeekOrigin.End);
        using var reader = new StreamReader(log);
        return await reader.ReadToEndAsync(cancellationToken);
    }

    private static Task Never(CancellationToken cancellationToken) => Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);

    /// <summary>First the hook, then SIGTERM; SIGKILL when the time of grace is over, whichever of them took it.</summary>
    private async Task StopAsync(ContainerProcess process, Probe probe, Task ended, TimeSpan? ownGrace, CancellationToken gone)
    {
        var began = Context.Time.GetTimestamp();
        if (container.Lifecycle?.PreStop is { } hook)
            await Task.WhenAny(ended, probe.DoAsync(hook, ownGrace ?? pod.Grace, gone));
        process.Signal(Signals.Terminate);
        // The time of grace may be cut short meanwhile.
        while (!ended.IsCompleted && Context.Time.GetElapsedTime(began) < (ownGrace ?? pod.Grace))
            await Task.WhenAny(ended, Task.Delay(TimeSpan.FromMilliseconds(50), gone));
        if (!ended.IsCompleted)
            await process.KillAsync();
    }

    /// <summary>Runs the probes, and returns when one says that the container must be started again.</summary>
    private async Task WatchHealthAsync(Probe probe, CancellationToken cancellationToken)
    {
        if (container.StartupProbe is { } startup)
        {
            if (!await SucceedsAsync(probe, startup, cancellationToken))
                return;
            Set(State with { Started = true, Ready = container.ReadinessProbe is null });
        }

        var readiness = container.ReadinessProbe is { } ready
            ? RepeatAsync(probe, ready, well => Set(State with { Ready = well }), cancellationToken)
            : Never(cancellationToken);
        var liveness = container.LivenessProbe is { } live
            ? FailsAsync(probe, live, Context.Options.LivenessPatience, cancellationToken)
            : Never(cancellationToken);
        await await Task.WhenAny(readiness, liveness);
    }

    /// <summary>Asks until the probe has succeeded, or failed as often as it may.</summary>
    private static async Task<bool> SucceedsAsync(Probe probe, V1Probe settings, CancellationToken cancellationToken)
    {
        bool? well = null;
        await RepeatAsync(probe, settings, outcome => well = outcome, cancellationToken, () => well is not null);
        return well == true;
    }

    /// <summary>Asks until the probe has failed as often as it may, times the patience.</summary>
    private static async Task FailsAsync(Probe probe, V1Probe settings, int patience, CancellationToken cancellationToken)
    {
        var failed = false;
        await RepeatAsync(probe, settings, outcome => failed = !outcome, cancellationToken, () => failed, patience);
    }

    /// <summary>
    /// Asks again and again, and tells each outcome that the thresholds confirm. Until the first success it asks more often than a kubelet does, because tests
    /// wait for it, except by commands, which are processes; failures count once in a period all the same.
    /// </summary>
    private static async Task RepeatAsync(
        Probe probe,
        V1Probe settings,
        Action<bool> onOutcome,
        CancellationToken cancellationToken,
        Func<bool>? isDone = null,
        int patience = 1
    )
    {
        await Task.Delay(TimeSpan.FromSeconds(settings.InitialDelaySeconds ?? 0), cancellationToken);
        var period = TimeSpan.FromSeconds(settings.PeriodSeconds ?? 10);
        var pause = settings.Exec is null ? FirstPause : period;
        var (successes, failures, wasWell, counted) = (0, 0, false, 0L);
        while (true)
        {
            var began = Stopwatch.GetTimestamp();
            if (await probe.AskAsync(settings, cancellationToken) is null)
            {
                (successes, failures, wasWell) = (successes + 1, 0, true);
                if (successes == (settings.SuccessThreshold ?? 1))
                    onOutcome(true);
            }
            else
            {
                successes = 0;
                // A timer may be a little early.
                if (wasWell || counted == 0 || Stopwatch.GetElapsedTime(counted, began) > period - FirstPause)
                {
                    (failures, counted) = (failures + 1, began);
                    if (failures == (settings.FailureThreshold ?? 3) * patience)
                        onOutcome(false);
                }
            }

            if (isDone?.Invoke() == true)
                return;
            await DelayAsync((wasWell || pause > period ? period : pause) - Stopwatch.GetElapsedTime(began), cancellationToken);
            pause = Lengthen(pause, period);
        }
    }

    /// <summary>The pause after the next question without a success, up to about a period.</summary>
    internal static TimeSpan Lengthen(TimeSpan pause, TimeSpan period) => pause < period ? pause * 1.5 : pause;

    // A period lasts from one question to the next, however long the answer takes.
    private static Task DelayAsync(TimeSpan rest, CancellationToken cancellationToken) =>
        rest > TimeSpan.Zero ? Task.Delay(rest, cancellationToken) : Task.CompletedTask;

    private void Wait(string reason, string message) =>
        Set(ContainerState.Waiting(reason, message) with { Last = State.Last ?? (State.IsTerminated ? State.Current : null), Restarts = State.Restarts });

    private void Set(ContainerState state)
    {
        State = state;
        pod.Changed();
    }
}
