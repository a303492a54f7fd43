using UrlShortener.Runtime;
using UrlShortener.Runtime.Administration;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Storage;

if (AdministrationCommands.IsCommand(args))
    return await AdministrationCommands.RunAsync(args);

var builder = Startup.CreateBuilder(args);
var errors = Settings.FindErrors(builder.Configuration);
if (errors.Count > 0)
    return Startup.Report(errors);

// Why a start failed is told once, in a sentence, below; the host would log it as a stack trace, and more for each service that it then stops.
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
    await app.StartAsync();
    isStarted = true;
    if (isOwnStore)
        await FirstUser.EnsureAsync(app.Services, app.Urls.First(), CancellationToken.None);
}
catch (Exception error) when (error is InvalidOperationException or IOException)
{
    // What an operator can mend: a folder, a port, a file that a setting names.
    await Console.Error.WriteLineAsync(error.Message);
    return 1;
}
// The database went away between the two.
catch (Exception error) when (error is System.Data.Common.DbException or TimeoutException or DependencyException)
{
    await app.StopAsync();
    await Console.Error.WriteLineAsync($"The first user could not be looked for: {error.Message}");
    return 1;
}
// How Kestrel and the system refuse an address: not a URL, no such port, not this machine's, not allowed.
catch (Exception error) when (error is FormatException or System.Net.Sockets.SocketException or ArgumentOutOfRangeException { ParamName: "port" })
{
    await Console.Error.WriteLineAsync($"Urls {builder.Configuration["Urls"]} cannot be listened on: {error.Message}");
    return 1;
}

await app.WaitForShutdownAsync();
return 0;
