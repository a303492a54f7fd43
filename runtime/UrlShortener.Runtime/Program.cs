using UrlShortener.Runtime;
using UrlShortener.Runtime.Administration;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Storage;

if (AdministrationCommands.IsCommand(args))
    return await AdministrationCommands.RunAsync(args);

var misread = Arguments.FindErrors(args);
if (misread.Count > 0)
    return Startup.ReportUsage(misread);
var builder = Startup.CreateBuilder(args);
var errors = Settings.FindErrors(builder.Configuration);
if (errors.Count > 0)
    return Startup.Report(errors);

// Why a start failed is told once, in a sentence, below; the host would log it as a stack trace, and more for each service that it then stops.
var hasBegun = false;
var isStarted = false;
builder.Logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", level => isStarted && level >= LogLevel.Information);
builder.Services.AddRuntime(builder.Configuration);
await using var app = builder.Build();
try
{
    var database = app.Services.GetRequiredService<IDatabase>();
    database.Acquire();
    var isOwnStore = database.Prepare(app.Environment.IsDevelopment());
    app.UseRuntime();
    // All are made before any begins.
    _ = app.Services.GetServices<IHostedService>();
    hasBegun = true;
    await app.StartAsync();
    isStarted = true;
    if (isOwnStore)
        await FirstUser.EnsureAsync(app.Services, app.Urls.First(), CancellationToken.None);
}
catch (Exception error)
{
    // Services that have begun work end it before what they use is disposed of, whatever went wrong.
    if (hasBegun)
        await app.StopAsync();
    if (Startup.Explain(error, builder.Configuration) is not { } sentence)
        throw;
    await Console.Error.WriteLineAsync(sentence);
    return 1;
}

await app.WaitForShutdownAsync();
return 0;
