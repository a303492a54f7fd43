using UrlShortener.TestServers.Tests;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

// The entry point that xunit makes for a test project, with more things to do.
return args switch
{
    [HostProgram.Argument] => await HostProgram.RunAsync(),
    [HostProgram.ClusterArgument] => await HostProgram.RunClusterAsync(),
    [PodProgram.Argument, var address, var port] => await PodProgram.RunAsync(address, port),
    _ when args.Contains("--server") => await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions),
    _ => await ConsoleRunner.Run(args),
};
