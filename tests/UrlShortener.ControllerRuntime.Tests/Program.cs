using UrlShortener.ControllerRuntime.Tests;
using UrlShortener.ControllerRuntime.Tests.Election;
using Xunit.MicrosoftTestingPlatform;
using Xunit.Runner.InProc.SystemConsole;

// The entry point that xunit makes for a test project, with one more thing to do.
return args switch
{
    [LeaderProgram.Argument, var kubeconfig, var space] => await LeaderProgram.RunAsync(kubeconfig, space),
    _ when args.Contains("--server") => await TestPlatformTestFramework.RunAsync(args, SelfRegisteredExtensions.AddSelfRegisteredExtensions),
    _ => await ConsoleRunner.Run(args),
};
