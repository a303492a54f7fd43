using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>Runs commands inside a container: those of probes and hooks.</summary>
internal sealed class ContainerCommands(ContainerProcess process, ContainerProgram program, ContainerRoot root)
{
    /// <summary>Runs one; it is killed after the limit, even when this process is.</summary>
    /// <returns>Null when its exit code is 0, or what it is and what the command wrote.</returns>
    public async Task<string?> RunAsync(IEnumerable<string> command, TimeSpan limit, CancellationToken cancellationToken)
    {
        try
        {
            var (code, output) = await ExecuteAsync(command, limit, cancellationToken);
            return code == 0 ? null : $"exit code {code}: {output}";
        }
        catch (Exception e) when (e is Win32Exception or InvalidOperationException)
        {
            return e.Message;
        }
    }

    /// <summary>Runs one, as above.</summary>
    /// <returns>Its exit code, and what it wrote.</returns>
    /// <exception cref="InvalidOperationException">The container does not run.</exception>
    public async Task<(int Code, string Output)> ExecuteAsync(IEnumerable<string> command, TimeSpan limit, CancellationToken cancellationToken)
    {
        if (!process.IsRunning)
            throw new InvalidOperationException("the container does not run");
        var seconds = Math.Max(limit.TotalSeconds, 1).ToString(CultureInfo.InvariantCulture);
        // Of the node's control group as well, for it is on the same side when the node is cut off.
        string[] join = root.ProcessesFile is { } file ? ["/bin/sh", "-c", "echo 0 >\"$0\"; exec \"$@\"", file] : [];
        string[] words = ["-s", "KILL", seconds, .. join, .. ContainerNamespaces.Enter(process.Id), .. ContainerNamespaces.RunAs(root), .. command];
        var start = new ProcessStartInfo("timeout", words)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        foreach (var (name, value) in ContainerProcess.Inherited().Concat(program.Environment))
            start.Environment[name] = value;
        using var running = Process.Start(start)!;
        running.StandardInput.Close();
        var output = running.StandardOutput.ReadToEndAsync(cancellationToken);
        var error = running.StandardError.ReadToEndAsync(cancellationToken);
        await running.WaitForExitAsync(cancellationToken);
        return (running.ExitCode, (await output + await error).Trim());
    }
}
