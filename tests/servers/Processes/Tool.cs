using System.Diagnostics;

namespace UrlShortener.TestServers.Processes;

/// <summary>Programs that do one thing and end.</summary>
internal static class Tool
{
    private const int OutputCharacters = 2000;

    /// <summary>Runs a command to its end and returns what it wrote; fails with that when its exit code is not 0 or it takes too long.</summary>
    public static async Task<string> RunAsync(IReadOnlyList<string> command, string folder, TimeSpan limit, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        using var timed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        timed.CancelAfter(limit);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(timed.Token);
            var errors = process.StandardError.ReadToEndAsync(timed.Token);
            await process.WaitForExitAsync(timed.Token);
            var all = (await output + await errors).Trim();
            return process.ExitCode == 0 ? all : throw new InvalidOperationException($"{Name(command)} ended with exit code {process.ExitCode}:\n{End(all)}");
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            cancellationToken.ThrowIfCancellationRequested();
            throw new TimeoutException($"{Name(command)} did not end within {limit.TotalSeconds:0} s.");
        }
    }

    private static string Name(IReadOnlyList<string> command) => string.Join(' ', command.Take(12));

    private static string End(string text) => text.Length <= OutputCharacters ? text : text[^OutputCharacters..];
}
