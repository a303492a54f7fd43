using UrlShortener.Operator;
using UrlShortener.Operator.Configuration;
using UrlShortener.Operator.Manifests;

if (args is [ManifestsCommand.Name, ..])
    return await ManifestsCommand.RunAsync(args, CancellationToken.None);

var builder = Startup.CreateBuilder(args);
var (options, errors) = Settings.Read(builder.Configuration);
if (errors.Count > 0)
    return Startup.Report(errors);

builder.AddOperator(options);
return await Serving.RunAsync(builder, options);
