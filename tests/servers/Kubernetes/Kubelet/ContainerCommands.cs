using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>Runs commands inside a container: those of probes and hooks.</summary>
internal sealed class ContainerCommands(ContainerLaunch launch, ContainerProgram program)
{
    /// <summary>Runs one; it is killed after the limit, even when this process is.</summary>
    /// <returns>Null when its exit code is 0, or what it is and what the command wrote.</returns>
    public async Task<string?> RunAsync(IEnumerable<string> command, TimeSpan limit, CancellationToken cancellationToken)
    {
        var seconds = Math.Max(limit.TotalSeconds, 1).ToString(CultureInfo.InvariantCulture);
        var start = new ProcessStartInfo("timeout", ["-s", "KILL", seconds, .. command.Select(launch.Substitute)])
        {
            WorkingDirectory = launch.Folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        foreach (var (name, value) in ContainerProcess.Inherited().Concat(program.Environment))
            start.Environment[name] = value;
        try
        {
            using var process = Process.Start(start)!;
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync(cancellationToken);
            var error = process.StandardError.ReadToEndAsync(cancellationToken);
            await process.WaitForExitAsync(cancellationToken);
            return process.ExitCode == 0 ? null : $"exit code {process.ExitCode}: {(await output + await error).Trim()}";
        }
        catch (Win32Exception e)
        {
            return e.Message;
        }
    }
}
