using UrlShortener.Operator;
using UrlShortener.Operator.Configuration;
using UrlShortener.Operator.Manifests;

if (args is [ManifestsCommand.Name, ..])
    return await ManifestsCommand.RunAsync(args, CancellationToken.None);

var builder = Startup.CreateBuilder(args);
var (options, errors) = Settings.Read(builder.Configuration);
if (errors.Count > 0)
    return Startup.Report(errors);

// The code below reports a failed start in one sentence. The host would log a stack trace, and another one for each service that it stops.
var isStarted = false;
builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", level => isStarted && level >= LogLevel.Information);
builder.AddOperator(options);
await using var app = builder.Build();
try
{
    app.MapOperator(options);
    await app.StartAsync();
    isStarted = true;
}
catch (Exception error) when (Startup.Explain(error, options) is not null)
{
    // Releases a lease that the process has taken in the meantime.
    await app.StopAsync();
    var (message, exitCode) = Startup.Explain(error, options)!.Value;
    await Console.Error.WriteLineAsync(message);
    return exitCode;
}

await app.WaitForShutdownAsync();
return 0;
