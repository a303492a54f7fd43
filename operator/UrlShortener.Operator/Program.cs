using UrlShortener.Operator;
using UrlShortener.Operator.Configuration;
using UrlShortener.Operator.Manifests;

if (args is [ManifestsCommand.Name, ..])
    return await ManifestsCommand.RunAsync(args, CancellationToken.None);

var builder = Startup.CreateBuilder(args);
var (options, errors) = Settings.Read(builder.Configuration);
if (errors.Count > 0)
    return Startup.Report(errors);

// Why a start failed is told once, in a sentence, below; the host would log it as a stack trace, and more for each service that it then stops.
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
    // A lease that was taken meanwhile is handed back.
    await app.StopAsync();
    var (message, exitCode) = Startup.Explain(error, options)!.Value;
    await Console.Error.WriteLineAsync(message);
    return exitCode;
}

await app.WaitForShutdownAsync();
return 0;
