using System.Diagnostics;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Embedded.Clients;

/// <summary>Runs a tool in a folder, without colours and reports to its maker.</summary>
internal static class ToolProcess
{
    public static async Task<ProgramResult> RunAsync(string folder, string program, TimeSpan limit, params string[] arguments)
    {
        using var process = new Process
        {
            StartInfo = new ProcessStartInfo(program, arguments)
            {
                WorkingDirectory = folder,
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                Environment =
                {
                    ["REDOCLY_TELEMETRY"] = "off",
                    ["REDOCLY_SUPPRESS_UPDATE_NOTICE"] = "true",
                    ["NO_COLOR"] = "1",
                    ["CI"] = "true",
                    ["KIOTA_OFFLINE_ENABLED"] = "true",
                    ["KIOTA_TUTORIAL_ENABLED"] = "false",
                    ["DOTNET_CLI_TELEMETRY_OPTOUT"] = "1",
                    ["DOTNET_NOLOGO"] = "1",
                },
            },
        };
        process.Start();
        using var end = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        end.CancelAfter(limit);
        try
        {
            var output = process.StandardOutput.ReadToEndAsync(end.Token);
            var error = process.StandardError.ReadToEndAsync(end.Token);
            await process.WaitForExitAsync(end.Token);
            return new ProgramResult(process.ExitCode, await output, await error);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill(entireProcessTree: true);
        }
    }
}
