using UrlShortener.Runtime;
using UrlShortener.Runtime.Administration;
using UrlShortener.Runtime.Configuration;

if (AdministrationCommands.IsCommand(args))
    return await AdministrationCommands.RunAsync(args);

var misread = Arguments.FindErrors(args);
if (misread.Count > 0)
    return Startup.ReportUsage(misread);
var (builder, errors) = Startup.CreateBuilder(args);
if (builder is null)
    return Startup.Report(errors);
Startup.Identify(builder.Configuration);
return await Serving.RunAsync(builder);
