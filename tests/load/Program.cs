using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using UrlShortener.Load;
using UrlShortener.Load.Cases;
using UrlShortener.Load.Costs;
using UrlShortener.Load.Dashboards;
using UrlShortener.Load.OpenModel;

var seconds = Bounded("--seconds", "Length of each measurement.", 10, 1, 600);
var rounds = Bounded("--rounds", "Rounds; each measures the floor and the product once under each load.", 5, 1, 50);
var connections = Bounded("--connections", "Connections kept open under full load.", 64, 1, 1000);

// Half the cores: more threads make the generator take turns with the server it measures, and the figures scatter.
var threads = Bounded("--threads", "Threads of the generator.", Math.Max(1, Environment.ProcessorCount / 2), 1, 64);
var links = Bounded("--links", "Links the redirects are spread over.", 1000, 1, 100_000);
var json = new Option<FileInfo?>("--json") { Description = "Also write the figures to this file." };
var product = new Option<string?>("--product") { Description = "Measure this executable instead of the runtime built in this tree." };

var redirect = new Command("redirect", "Redirects of the product against those of a bare Kestrel endpoint.")
{
    seconds,
    rounds,
    connections,
    threads,
    links,
    json,
    product,
};
redirect.SetAction(
    (parsed, cancellationToken) =>
        GuardAsync(async () =>
        {
            var options = new RedirectOptions(
                parsed.GetValue(seconds),
                parsed.GetValue(rounds),
                parsed.GetValue(connections),
                parsed.GetValue(threads),
                parsed.GetValue(links),
                parsed.GetValue(product)
            );
            using var workspace = new Workspace();
            var report = await new RedirectRun(options, Console.Error.WriteLine).RunAsync(workspace, cancellationToken);
            return await PublishAsync(report, report.ToMarkdown(), report.Errors, parsed.GetValue(json), cancellationToken);
        })
);

var create = new Command("create", "Creation of links, one new URL with each request.") { seconds, connections, threads, json, product };
create.SetAction(
    (parsed, cancellationToken) =>
        GuardAsync(async () =>
        {
            var options = new CreateOptions(parsed.GetValue(seconds), parsed.GetValue(connections), parsed.GetValue(threads), parsed.GetValue(product));
            using var workspace = new Workspace();
            var report = await new CreateRun(options, Console.Error.WriteLine).RunAsync(workspace, cancellationToken);
            return await PublishAsync(report, report.ToMarkdown(), report.Errors, parsed.GetValue(json), cancellationToken);
        })
);

// 384: what .NET takes of the operator's default limit of 512 MiB.
var heap = Bounded("--heap", "MiB that the heap of the process may have.", 384, 64, 100_000);
var flood = new Command("flood", "One link, followed with another user agent of 28 KB in each request, in a process with the memory of a small pod.")
{
    heap,
    seconds,
    connections,
    threads,
    json,
    product,
};
flood.SetAction(
    (parsed, cancellationToken) =>
        GuardAsync(async () =>
        {
            var options = new FloodOptions(
                parsed.GetValue(heap),
                parsed.GetValue(seconds),
                parsed.GetValue(connections),
                parsed.GetValue(threads),
                parsed.GetValue(product)
            );
            using var workspace = new Workspace();
            var report = await new FloodRun(options, Console.Error.WriteLine).RunAsync(workspace, cancellationToken);
            return await PublishAsync(report, report.ToMarkdown(), report.Errors, parsed.GetValue(json), cancellationToken);
        })
);

var pictures = new Command("pictures", "Redirects beside 32 connections that ask for the largest QR codes.")
{
    seconds,
    rounds,
    connections,
    threads,
    links,
    json,
    product,
};
pictures.SetAction(
    (parsed, cancellationToken) =>
        GuardAsync(async () =>
        {
            var options = new PicturesOptions(
                parsed.GetValue(seconds),
                parsed.GetValue(rounds),
                parsed.GetValue(connections),
                parsed.GetValue(threads),
                parsed.GetValue(links),
                parsed.GetValue(product)
            );
            using var workspace = new Workspace();
            var report = await new PicturesRun(options, Console.Error.WriteLine).RunAsync(workspace, cancellationToken);
            return await PublishAsync(report, report.ToMarkdown(), report.Errors, parsed.GetValue(json), cancellationToken);
        })
);

var caseNames = new Argument<string[]>("cases")
{
    Description = $"What to measure; everything when nothing is named: {string.Join(", ", ServersRun.Names)}.",
    Arity = ArgumentArity.ZeroOrMore,
};
caseNames.AcceptOnlyFromAmong(ServersRun.Names);
var caseSeconds = Bounded("--seconds", "Length of each measurement.", 4, 1, 600);
var caseRounds = Bounded("--rounds", "Rounds; each measures the floor and the product once under each load.", 3, 1, 50);
var zipfLinks = Bounded("--links", "Links of Zipf's load.", 200_000, 1000, 10_000_000);
var zipfWarmUp = Bounded("--warm-up", "Seconds of Zipf's load before its hits are counted.", 30, 1, 600);
var keys = Bounded("--keys", "Codes that key generation makes in each variant.", 1_000_000, 10_000, 100_000_000);
var servers = new Command("servers", "The product on PostgreSQL and a Redis Cluster, which this starts, against floors of HTTP, PostgreSQL and Redis.")
{
    caseNames,
    caseSeconds,
    caseRounds,
    connections,
    threads,
    zipfLinks,
    zipfWarmUp,
    keys,
    json,
    product,
};
servers.SetAction(
    (parsed, cancellationToken) =>
        GuardAsync(async () =>
        {
            var options = new ServersOptions(
                parsed.GetValue(caseSeconds),
                parsed.GetValue(caseRounds),
                parsed.GetValue(connections),
                parsed.GetValue(threads),
                parsed.GetValue(zipfLinks),
                parsed.GetValue(zipfWarmUp),
                parsed.GetValue(keys),
                parsed.GetValue(product)
            );
            using var workspace = new Workspace();
            var machine = Machine.Describe(workspace.DataFolder);
            await Console.Out.WriteLineAsync($"{Markdown.Describe(machine)}{Backends.Description}\n");
            var reports = new List<CaseReport>();
            await foreach (
                var report in new ServersRun(options, Console.Error.WriteLine).RunAsync(workspace, parsed.GetValue(caseNames) ?? [], cancellationToken)
            )
            {
                await Console.Out.WriteLineAsync(report.ToMarkdown());
                reports.Add(report);
            }

            return await ConcludeAsync(
                new { Machine = machine, Cases = reports },
                reports.Sum(report => report.Errors),
                parsed.GetValue(json),
                cancellationToken
            );
        })
);

var regionCount = Bounded("--regions", "Regions in one namespace.", 200, 1, 2000);
var podCount = Bounded("--pods", "Pods of each region.", 5, 1, 100);
var steadySeconds = Bounded("--seconds", "Length of the steady state that is measured.", 120, 10, 3600);
var changes = Bounded("--changes", "Regions that are changed one after another.", 40, 1, 2000);
var operatorProgram = new Option<string?>("--operator")
{
    Description = "The operator's program, such as one that was published; default: the one built here.",
};
var regions = new Command("regions", "The operator with many regions, on a Kubernetes control plane that this starts, whose pods run nothing.")
{
    regionCount,
    podCount,
    steadySeconds,
    changes,
    operatorProgram,
    json,
};
regions.SetAction(
    (parsed, cancellationToken) =>
        GuardAsync(async () =>
        {
            var options = new RegionsOptions(
                parsed.GetValue(regionCount),
                parsed.GetValue(podCount),
                parsed.GetValue(steadySeconds),
                parsed.GetValue(changes),
                parsed.GetValue(operatorProgram)
            );
            using var workspace = new Workspace();
            var report = await new RegionsRun(options, Console.Error.WriteLine).RunAsync(workspace, cancellationToken);
            return await PublishAsync(report, report.ToMarkdown(), 0, parsed.GetValue(json), cancellationToken);
        })
);

var scenarioNames = new Argument<string[]>("scenarios")
{
    Description = $"What to run; everything when nothing is named: {string.Join(", ", Scenario.All.Select(scenario => scenario.Name))}.",
    Arity = ArgumentArity.ZeroOrMore,
};
scenarioNames.AcceptOnlyFromAmong([.. Scenario.All.Select(scenario => scenario.Name)]);
var timeScale = Share("--time-scale", "Factor of all times.", 1);
var rateScale = Share("--rate-scale", "Factor of all rates.", 1);
var createShare = Share("--creates", "Share of requests that create a link.", Requests.CreatesInScenarios);
var withServers = new Option<bool>("--servers") { Description = "On PostgreSQL and a Redis Cluster, which this starts, instead of SQLite." };
var withoutFloor = new Option<bool>("--no-floor") { Description = "Without the floor, which otherwise gets the same load first, for a minute at most." };
var scenario = new Command(
    "scenario",
    "The load scenarios of the specification, in an open model: requests are sent when they are due, whatever the server does."
)
{
    scenarioNames,
    timeScale,
    rateScale,
    createShare,
    links,
    withServers,
    withoutFloor,
    json,
    product,
};
scenario.SetAction(
    (parsed, cancellationToken) =>
        GuardAsync(async () =>
        {
            var options = new ScenarioOptions(
                parsed.GetValue(timeScale),
                parsed.GetValue(rateScale),
                parsed.GetValue(createShare),
                parsed.GetValue(links),
                parsed.GetValue(withServers),
                !parsed.GetValue(withoutFloor),
                parsed.GetValue(product)
            );
            using var workspace = new Workspace();
            var names = parsed.GetValue(scenarioNames) ?? [];
            var scenarios = Scenario.All.Where(scenario => names.Length == 0 || names.Contains(scenario.Name));
            var reports = new List<ScenarioReport>();
            await foreach (var report in new ScenarioRun(options, Console.Error.WriteLine).RunAsync(workspace, scenarios, cancellationToken))
            {
                await Console.Out.WriteLineAsync(report.ToMarkdown());
                reports.Add(report);
            }

            return await ConcludeAsync(reports, reports.Sum(report => report.Failures), parsed.GetValue(json), cancellationToken);
        })
);

var costSeconds = Bounded("--seconds", "Length of each measurement.", 20, 1, 600);
var costCreates = Bounded("--creates-per-second", "Rate of creates, and of redirects of seldom links.", 400, 1, 10_000);
var costRedirects = Bounded("--redirects-per-second", "Rate of redirects of links in memory.", 2000, 1, 50_000);
var cost = new Command("cost", "Processor time of every part, and bytes, of one redirect, one create and one click.")
{
    withServers,
    costSeconds,
    costCreates,
    costRedirects,
    json,
    product,
};
cost.SetAction(
    (parsed, cancellationToken) =>
        GuardAsync(async () =>
        {
            var options = new CostOptions(
                parsed.GetValue(withServers),
                parsed.GetValue(costSeconds),
                parsed.GetValue(costCreates),
                parsed.GetValue(costRedirects),
                parsed.GetValue(product)
            );
            using var workspace = new Workspace();
            var report = await new CostRun(options, Console.Error.WriteLine).RunAsync(workspace, cancellationToken);
            return await PublishAsync(report, report.ToMarkdown(), report.Errors, parsed.GetValue(json), cancellationToken);
        })
);

var picture = new Option<FileInfo>("--picture") { Description = "File to write.", DefaultValueFactory = _ => new FileInfo("docs/service-dashboard.svg") };
var pictureRate = Share("--rate-scale", "Factor of all rates.", 0.01);
var dashboard = new Command("dashboard", "Draws the service dashboard from what Prometheus saw of the spike of the specification, which takes 12 minutes.")
{
    pictureRate,
    timeScale,
    picture,
    json,
    product,
};
dashboard.SetAction(
    (parsed, cancellationToken) =>
        GuardAsync(async () =>
        {
            var options = new DashboardOptions(
                parsed.GetValue(pictureRate),
                parsed.GetValue(timeScale),
                parsed.GetValue(picture)!.FullName,
                parsed.GetValue(product)
            );
            using var workspace = new Workspace();
            var report = await new DashboardRun(options, Console.Error.WriteLine).RunAsync(workspace, cancellationToken);
            return await PublishAsync(report, report.ToMarkdown(), report.Errors, parsed.GetValue(json), cancellationToken);
        })
);

// On Ctrl-C or SIGTERM the token is cancelled; ending the servers and deleting their data may then take a moment.
var invocation = new InvocationConfiguration { ProcessTerminationTimeout = TimeSpan.FromSeconds(10) };
return await new RootCommand("Load tests of the URL shortener; loopback only.")
{
    redirect,
    create,
    flood,
    pictures,
    servers,
    regions,
    scenario,
    cost,
    dashboard,
}
    .Parse(args)
    .InvokeAsync(invocation);

static Option<int> Bounded(string name, string description, int value, int least, int most)
{
    var option = new Option<int>(name) { Description = $"{description} {least} to {most}.", DefaultValueFactory = _ => value };
    option.Validators.Add(result =>
    {
        if (result.Tokens.Count == 1 && int.TryParse(result.Tokens[0].Value, out var given) && (given < least || given > most))
            result.AddError($"{name} must be from {least} to {most}.");
    });
    return option;
}

static Option<double> Share(string name, string description, double value)
{
    var option = new Option<double>(name) { Description = $"{description} Above 0, at most 1.", DefaultValueFactory = _ => value };
    option.Validators.Add(result =>
    {
        if (result.Tokens.Count == 1 && double.TryParse(result.Tokens[0].Value, CultureInfo.InvariantCulture, out var given) && given is not (> 0 and <= 1))
            result.AddError($"{name} must be above 0 and at most 1.");
    });
    return option;
}

static async Task<int> PublishAsync<TReport>(TReport report, string markdown, long errors, FileInfo? json, CancellationToken cancellationToken)
{
    await Console.Out.WriteLineAsync(markdown);
    return await ConcludeAsync(report, errors, json, cancellationToken);
}

// Missing a target is a finding, so it ends with 0; a figure from a run with errors is none, so that ends with 1. Of a scenario each verdict counts: its
// thresholds are the specification's.
static async Task<int> ConcludeAsync<TReport>(TReport report, long errors, FileInfo? json, CancellationToken cancellationToken)
{
    if (json is not null)
        await File.WriteAllTextAsync(json.FullName, JsonSerializer.Serialize(report, LoadJson.Indented), cancellationToken);
    return errors == 0 ? 0 : 1;
}

static async Task<int> GuardAsync(Func<Task<int>> run)
{
    try
    {
        return await run();
    }
    catch (LoadException exception)
    {
        await Console.Error.WriteLineAsync(exception.Message);
        return 1;
    }
    catch (OperationCanceledException)
    {
        await Console.Error.WriteLineAsync("Stopped.");
        return 130;
    }
}
