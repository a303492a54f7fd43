using System.Collections.Concurrent;
using k8s.Models;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>One pod on the node, from its binding until its object is gone.</summary>
internal sealed class PodWorker
{
    private static readonly TimeSpan DefaultGrace = TimeSpan.FromSeconds(30);

    private readonly string _folder;
    private readonly string _logs;
    private readonly string _hosts;
    private readonly string _address;
    private readonly IReadOnlyList<ContainerRunner> _initContainers;
    private readonly IReadOnlyList<ContainerRunner> _containers;
    private readonly Dictionary<string, V1PodCondition> _conditions = [];
    private readonly TaskCompletionSource _stopping = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _gone;
    private readonly Pulse _changed = new();

    /// <summary>ConfigMaps and Secrets that have changed, by kind and name; null stands for all.</summary>
    private readonly ConcurrentQueue<(string Kind, string Name)?> _changedSources = new();
    private readonly Pulse _volumesChanged = new();
    private PodVolumes? _volumes;
    private DateTime? _started;
    private volatile V1Pod _pod;

    public PodWorker(KubeletContext context, V1Pod pod, CancellationToken end)
    {
        Context = context;
        _pod = pod;
        _gone = CancellationTokenSource.CreateLinkedTokenSource(end);
        _folder = context.Folder.PathOf($"pod-{pod.Metadata.Uid}");
        _logs = context.Folder.PathOf("logs");
        _hosts = Path.Combine(_folder, "hosts");
        _address = PodAddresses.Take();
        _initContainers = [.. (pod.Spec.InitContainers ?? []).Select(one => new ContainerRunner(this, one, isInit: true))];
        _containers = [.. pod.Spec.Containers.Select(one => new ContainerRunner(this, one, isInit: false))];
        Update(pod);
    }

    public KubeletContext Context { get; }

    /// <summary>The pod's address.</summary>
    public string Address => _address;

    /// <summary>The pod's object as it was seen last.</summary>
    public V1Pod Current => _pod;

    public string Name => _pod.Metadata.Name;

    public string Namespace => _pod.Metadata.NamespaceProperty;

    /// <summary>Whether the pod's object was deleted, so that its containers are to stop.</summary>
    public bool IsStopping => _stopping.Task.IsCompleted;

    /// <summary>Complete as soon as <see cref="IsStopping"/>.</summary>
    public Task Stopping => _stopping.Task;

    /// <summary>How long a container may take to end.</summary>
    public TimeSpan Grace =>
        (_pod.Metadata.DeletionGracePeriodSeconds ?? _pod.Spec.TerminationGracePeriodSeconds) is { } seconds ? TimeSpan.FromSeconds(seconds) : DefaultGrace;

    /// <summary>Takes a newer version of the pod's object.</summary>
    public void Update(V1Pod pod)
    {
        _pod = pod;
        if (pod.Metadata.DeletionTimestamp is not null)
            _stopping.TrySetResult();
    }

    /// <summary>The pod's object is gone: nobody is owed any grace.</summary>
    public void Remove()
    {
        try
        {
            _gone.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The pod's task has ended at the same moment.
        }
    }

    /// <summary>The status is to be written again.</summary>
    public void Changed() => _changed.Set();

    /// <summary>A ConfigMap or Secret of the pod's namespace has changed; null: any of them may have.</summary>
    public void SourceChanged((string Kind, string Name)? source)
    {
        _changedSources.Enqueue(source);
        _volumesChanged.Set();
    }

    /// <summary>Where a container's output goes. It stays until the kubelet ends.</summary>
    public string LogPathOf(string container) => Path.Combine(_logs, $"{Namespace}_{Name}_{container}.log");

    /// <summary>The processes that run now, by the names of their containers.</summary>
    public IReadOnlyDictionary<string, int> ReadProcesses() =>
        // Each is asked once: it may end meanwhile.
        _initContainers
            .Concat(_containers)
            .Select(one => (one.Container.Name, Id: one.ProcessId))
            .Where(one => one.Id is not null)
            .ToDictionary(one => one.Name, one => one.Id!.Value);

    /// <summary>Runs commands in a container that runs: the first one, or that of a name.</summary>
    public ContainerCommands? FindCommands(string? container) =>
        _containers.FirstOrDefault(one => container is null || one.Container.Name == container)?.Commands;

    /// <summary>All processes of one container, or of all.</summary>
    public IReadOnlyList<int> ReadAllProcesses(string? container) =>
        [.. _initContainers.Concat(_containers).Where(one => container is null || one.Container.Name == container).SelectMany(one => one.ReadProcesses())];

    /// <summary>Sends a signal to the program of one container, or of all.</summary>
    public Task SignalAsync(string? container, int signal) =>
        Task.WhenAll(
            _initContainers.Concat(_containers).Where(one => container is null || one.Container.Name == container).Select(one => one.SignalAsync(signal))
        );

    /// <summary>Waits a while.</summary>
    /// <returns>Whether it passed; else the pod is to stop.</returns>
    public async Task<bool> PauseAsync(TimeSpan pause, CancellationToken gone)
    {
        await Task.WhenAny(Stopping, Task.Delay(pause, Context.Time, gone));
        gone.ThrowIfCancellationRequested();
        return !IsStopping;
    }

    /// <summary>Collects what a container needs to start.</summary>
    /// <exception cref="PodConfigurationException">Something is not there.</exception>
    public async Task<ContainerLaunch> BuildLaunchAsync(V1Container container, CancellationToken cancellationToken)
    {
        var folder = Path.Combine(_folder, "containers", container.Name);
        Directory.CreateDirectory(folder);
        Directory.CreateDirectory(_logs);
        var environment = await Context.RequestAsync(token => _volumes!.ReadEnvironmentAsync(container, token), cancellationToken);
        IEnumerable<string> command = (container.Command ?? []).Concat(container.Args ?? []);
        return new ContainerLaunch(
            _pod,
            container,
            _address,
            folder,
            environment,
            [.. command.Select(one => Variables.Expand(one, environment))],
            _volumes!.MountsOf(container)
        );
    }

    /// <summary>What a container sees of this machine and its volumes.</summary>
    public ContainerRoot BuildRoot(ContainerLaunch launch, ContainerProgram program)
    {
        var (own, shared) = (launch.Container.SecurityContext, _pod.Spec.SecurityContext);
        return new ContainerRoot
        {
            HostMounts = ContainerNamespaces.ReadMounts(),
            Base = Directory.CreateDirectory(Path.Combine(launch.Folder, "root")).FullName,
            ProcessesFile = Context.Network?.ProcessesFile,
            HostName = _pod.Spec.Hostname ?? Name,
            // The shortest path first: what is mounted may lie in another mount, such as a program of this machine under a pod's own /tmp.
            Mounts =
            [
                .. program
                    .Mounts.Concat(launch.Mounts)
                    .Concat(CreateMessageFile(launch))
                    .Append(new ContainerMount(_folder, _folder, IsReadOnly: false))
                    .OrderBy(mount => mount.Target.Length),
            ],
            HostsFile = _hosts,
            User = program.User is { } image
                ? image with
                {
                    User = own?.RunAsUser ?? shared?.RunAsUser ?? image.User,
                    Group = own?.RunAsGroup ?? shared?.RunAsGroup ?? image.Group,
                }
                : null,
            VolumeGroup = shared?.FsGroup,
            IsReadOnly = own?.ReadOnlyRootFilesystem == true,
            WorkingFolder = launch.Folder,
            StartedFile = Path.Combine(launch.Folder, "started"),
        };
    }

    /// <summary>The file of a container's termination message on this machine.</summary>
    public static string MessageFileOf(string folder) => Path.Combine(folder, "termination-message");

    // The default is in /dev, which is this machine's: what a container writes there is not told.
    private static IEnumerable<ContainerMount> CreateMessageFile(ContainerLaunch launch)
    {
        if (launch.Container.TerminationMessagePath is null or "/dev/termination-log")
            yield break;
        var file = MessageFileOf(launch.Folder);
        File.WriteAllText(file, "");
        File.SetUnixFileMode(
            file,
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.OtherRead | UnixFileMode.OtherWrite
        );
        yield return new ContainerMount(file, launch.Container.TerminationMessagePath, IsReadOnly: false);
    }

    /// <summary>Runs the pod; returns when its object is gone.</summary>
    public async Task RunAsync()
    {
        var gone = _gone.Token;
        Directory.CreateDirectory(_folder);
        var names = Context.Names.Register(_pod, _address, _hosts);
        var statuses = WriteStatusesAsync(gone);
        var volumes = FollowVolumesAsync(gone);
        try
        {
            await RunContainersAsync(gone);
            Changed();
            // Pods that have ended stay until somebody deletes them.
            await Stopping.WaitAsync(gone);
            await PodObject.DeleteAsync(Context, _pod, gone);
        }
        catch (OperationCanceledException) when (gone.IsCancellationRequested)
        {
            // The containers have ended with their tasks.
        }
        finally
        {
            await _gone.CancelAsync();
            await statuses;
            await volumes;
            // Writes into the folder whenever another pod's address changes.
            names.Dispose();
            if (Directory.Exists(_folder))
                Directory.Delete(_folder, recursive: true);
            _gone.Dispose();
        }
    }

    private async Task RunContainersAsync(CancellationToken gone)
    {
        if (IsStopping)
            return;
        _started = Context.Time.GetUtcNow().UtcDateTime;
        Changed();
        if (!await MountAsync(gone))
            return;
        foreach (var container in _initContainers)
        {
            await container.RunAsync(gone);
            if (IsStopping || container.State.Current.Terminated is not { ExitCode: 0 })
                return;
        }

        var running = _containers.Select(container => container.RunAsync(gone)).ToArray();
        try
        {
            await Task.WhenAll(running);
        }
        catch
        {
            // One failed in a way that is nobody's plan: the others must not go on alone.
            await _gone.CancelAsync();
            throw;
        }
    }

    private async Task<bool> MountAsync(CancellationToken gone)
    {
        var volumes = new PodVolumes(Context.Client, _pod, _address, _folder, Context.Claims);
        while (!IsStopping)
        {
            try
            {
                await Context.RequestAsync(
                    async token =>
                    {
                        await volumes.WriteAsync(token);
                        return true;
                    },
                    gone
                );
                _volumes = volumes;
                // For what has changed since it was read.
                _volumesChanged.Set();
                return true;
            }
            catch (PodConfigurationException)
            {
                // The containers show ContainerCreating, as they do with a kubelet.
            }

            await PauseAsync(TimeSpan.FromMilliseconds(300), gone);
        }

        return false;
    }

    /// <summary>Keeps the files of volumes as their ConfigMaps and Secrets are.</summary>
    private async Task FollowVolumesAsync(CancellationToken gone)
    {
        try
        {
            while (true)
            {
                await _volumesChanged.WaitAsync(gone);
                if (_volumes is not { } volumes)
                    continue;
                HashSet<(string, string)?> names = [];
                while (_changedSources.TryDequeue(out var name))
                    names.Add(name);
                try
                {
                    await Context.RequestAsync(
                        async token =>
                        {
                            await volumes.RefreshAsync(name => names.Contains(null) || names.Contains(name), token);
                            return true;
                        },
                        gone
                    );
                }
                catch (PodConfigurationException)
                {
                    // What was deleted stays mounted as it was.
                }
            }
        }
        catch (OperationCanceledException) when (gone.IsCancellationRequested)
        {
            // The pod has ended.
        }
    }

    private async Task WriteStatusesAsync(CancellationToken gone)
    {
        try
        {
            while (true)
            {
                await _changed.WaitAsync(gone);
                if (!await PodObject.WriteStatusAsync(Context, _pod, BuildStatus(), gone))
                    return;
            }
        }
        catch (OperationCanceledException) when (gone.IsCancellationRequested)
        {
            // The pod has ended.
        }
    }

    private V1PodStatus BuildStatus()
    {
        var initialized = _initContainers.All(one => one.State.Current.Terminated is { ExitCode: 0 });
        var ready = initialized && _containers.All(one => one.State.Ready);
        var gates = (_pod.Spec.ReadinessGates ?? []).All(gate =>
            _pod.Status.Conditions?.Any(one => one.Type == gate.ConditionType && one.Status == "True") == true
        );
        var phase = FindPhase(initialized);
        return new V1PodStatus
        {
            Phase = phase,
            HostIP = "127.0.0.1",
            PodIP = _address,
            PodIPs = [new V1PodIP { Ip = _address }],
            StartTime = _started,
            Conditions =
            [
                Condition("Initialized", initialized, "ContainersNotInitialized"),
                Condition("Ready", ready && gates, ready ? "ReadinessGatesNotReady" : NotReadyReason(phase)),
                Condition("ContainersReady", ready, NotReadyReason(phase)),
                Condition("PodScheduled", true, null),
            ],
            InitContainerStatuses = _initContainers.Count == 0 ? null : [.. _initContainers.Select(one => InitStatus(one))],
            ContainerStatuses = [.. _containers.Select(one => one.State.ToStatus(_pod, one.Container))],
        };
    }

    private static string NotReadyReason(string phase) => phase == "Succeeded" ? "PodCompleted" : "ContainersNotReady";

    /// <summary>An init container is ready when it has done its work.</summary>
    private V1ContainerStatus InitStatus(ContainerRunner container)
    {
        var status = container.State.ToStatus(_pod, container.Container);
        status.Ready = container.State.Current.Terminated is { ExitCode: 0 };
        return status;
    }

    private string FindPhase(bool initialized)
    {
        var never = _pod.Spec.RestartPolicy == "Never";
        if (never && _initContainers.Any(one => one.State.Current.Terminated is { ExitCode: not 0 }))
            return "Failed";
        if (!initialized)
            return "Pending";
        // A pod that was asked to end has ended as soon as its containers have, whatever they are to do otherwise.
        if ((_pod.Spec.RestartPolicy != "Always" || IsStopping) && _containers.All(one => one.State.IsTerminated))
        {
            if (_containers.All(one => one.State.Current.Terminated.ExitCode == 0))
                return "Succeeded";
            if (never || IsStopping)
                return "Failed";
        }

        return _containers.Any(one => one.State.IsRunning || one.State.IsTerminated || one.State.Last is not null) ? "Running" : "Pending";
    }

    /// <summary>Called by the task that writes statuses alone.</summary>
    private V1PodCondition Condition(string type, bool holds, string? reason)
    {
        var status = holds ? "True" : "False";
        var since = _conditions.TryGetValue(type, out var before) && before.Status == status ? before.LastTransitionTime : Context.Time.GetUtcNow().UtcDateTime;
        return _conditions[type] = new V1PodCondition
        {
            Type = type,
            Status = status,
            Reason = holds ? null : reason,
            LastTransitionTime = since,
        };
    }
}
