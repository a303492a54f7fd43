using UrlShortener.Runtime;
using UrlShortener.Runtime.Administration;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Storage;

if (AdministrationCommands.IsCommand(args))
    return await AdministrationCommands.RunAsync(args);

var builder = Startup.CreateBuilder(args);
var errors = Settings.FindErrors(builder.Configuration);
if (errors.Count > 0)
    return Startup.Report(errors);

builder.Services.AddRuntime(builder.Configuration);
await using var app = builder.Build();
try
{
    app.Services.GetRequiredService<IDatabase>().Migrate();
    app.UseRuntime();
    await app.StartAsync();
    await FirstUser.EnsureAsync(app.Services, app.Urls.First(), CancellationToken.None);
}
catch (Exception error) when (error is InvalidOperationException or IOException)
{
    // What an operator can mend: a folder, a port, a file that a setting names.
    await Console.Error.WriteLineAsync(error.Message);
    return 1;
}

await app.WaitForShutdownAsync();
return 0;
