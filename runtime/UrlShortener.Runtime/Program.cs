using UrlShortener.Runtime;
using UrlShortener.Runtime.Administration;
using UrlShortener.Runtime.Configuration;

if (AdministrationCommands.IsCommand(args))
    return await AdministrationCommands.RunAsync(args);

var misread = Arguments.FindErrors(args);
if (misread.Count > 0)
    return Startup.ReportUsage(misread);
var builder = Startup.CreateBuilder(args);
var errors = Settings.FindErrors(builder.Configuration);
return errors.Count > 0 ? Startup.Report(errors) : await Serving.RunAsync(builder);
