using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Retention;
using UrlShortener.Runtime.Storage;
using UrlShortener.Runtime.Users;

namespace UrlShortener.Runtime.Administration;

/// <summary>
/// <c>users create | list | set-quota | rotate-key | revoke-key | delete</c>, <c>migrate</c> and <c>restored</c>, run by the server's own binary. Settings are
/// given as for serving, after the command's own options. Commands may run while the product serves from the same store.
/// </summary>
internal static class AdministrationCommands
{
    private const string Version = "--version";
    private const string TiersQuota = "tier";
    private static readonly string[] Help = ["--help", "-h", "-?", "/?"];

    /// <summary>Whether the arguments name a command, or ask for help or the version. Otherwise they are settings for serving.</summary>
    public static bool IsCommand(string[] args) => args.Length > 0 && (IsWord(args[0]) || args.Any(arg => Help.Contains(arg) || arg == Version));

    /// <summary>Runs a command; returns the exit code, see <see cref="ExitCode"/>.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        // "help users" means "users --help"; help or version among settings applies to the whole program.
        string[] asked = args switch
        {
            ["help", .. var rest] => [.. rest, Help[0]],
            [var first, ..] when !IsWord(first) => [args.Contains(Version) ? Version : Help[0]],
            _ => args,
        };
        var parsed = BuildCommands().Parse(asked);
        return parsed.Errors.Count > 0
            ? Startup.ReportUsage([.. Arguments.FindErrors(parsed.UnmatchedTokens), .. parsed.Errors.Select(error => error.Message)])
            : await parsed.InvokeAsync();
    }

    private static bool IsWord(string arg) => arg is not ['-' or '/', ..] && !arg.Contains('=', StringComparison.Ordinal);

    private static RootCommand BuildCommands()
    {
        var newEmail = new Option<string>("--email") { Description = "Email address of the user.", Required = true };
        newEmail.Validators.Add(CheckEmail);
        // Accepts any text: a user whose name was valid when it was created must stay reachable.
        var email = new Option<string>("--email") { Description = "Email address of the user.", Required = true };
        var tier = new Option<Tier>("--tier") { Description = "free, pro or enterprise.", DefaultValueFactory = _ => Tier.Free };
        tier.Validators.Add(result =>
        {
            // Accepts names only: enum parsing would accept any number.
            if (result.Tokens is [var token] && !Enum.GetNames<Tier>().Contains(token.Value, StringComparer.OrdinalIgnoreCase))
                result.AddError("--tier must be free, pro or enterprise.");
        });
        var rateLimit = new Option<int?>("--rate-limit") { Description = "API requests per minute; left out, the tier's." };
        rateLimit.Validators.Add(result =>
        {
            // Reads the text, because reading the value throws when it is not a number.
            if (
                result.Tokens is [var token]
                && !(int.TryParse(token.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) && limit is >= 1 and <= 1_000_000)
            )
                result.AddError("--rate-limit must be a whole number from 1 to 1,000,000.");
        });

        var newQuota = new Option<string?>("--quota") { Description = "Bytes that the user may store; left out, the tier's." };
        newQuota.Validators.Add(result => CheckQuota(result, ""));
        var quota = new Option<string?>("--quota") { Description = $"Bytes that the user may store; {TiersQuota}: the tier's.", Required = true };
        quota.Validators.Add(result => CheckQuota(result, $", or {TiersQuota}"));

        var create = new Command("create", "Creates a user and prints their API key, once.") { newEmail, tier, rateLimit, newQuota };
        create.SetAction(
            (parsed, token) =>
                WithStoreAsync(
                    parsed,
                    services =>
                        CreateUserAsync(
                            services,
                            parsed.GetRequiredValue(newEmail),
                            parsed.GetValue(tier),
                            parsed.GetValue(rateLimit),
                            ReadQuota(parsed.GetValue(newQuota)),
                            token
                        )
                )
        );
        var list = new Command("list", "Lists all users.");
        list.SetAction((parsed, token) => WithStoreAsync(parsed, services => ListUsersAsync(services, token)));
        var setQuota = new Command("set-quota", "Sets how many bytes a user may store.") { email, quota };
        setQuota.SetAction(
            (parsed, token) =>
                WithStoreAsync(parsed, services => SetQuotaAsync(services, parsed.GetRequiredValue(email), ReadQuota(parsed.GetRequiredValue(quota)), token))
        );
        var rotate = new Command("rotate-key", "Gives a user a new API key, prints it once, and ends the old one.") { email };
        rotate.SetAction((parsed, token) => WithStoreAsync(parsed, services => RotateKeyAsync(services, parsed.GetRequiredValue(email), token)));
        var revoke = new Command("revoke-key", "Ends a user's API key.") { email };
        revoke.SetAction((parsed, token) => WithStoreAsync(parsed, services => RevokeKeyAsync(services, parsed.GetRequiredValue(email), token)));
        var yes = new Option<bool>("--yes") { Description = "Delete; without it, only tell what would be deleted." };
        var delete = new Command("delete", "Deletes a user with their links and all statistics of these. May be run again after an interruption.")
        {
            email,
            yes,
        };
        delete.SetAction(
            (parsed, token) => WithStoreAsync(parsed, services => DeleteUserAsync(services, parsed.GetRequiredValue(email), parsed.GetValue(yes), token))
        );
        var migrate = new Command("migrate", "Brings the tables of the store, and of ClickHouse if there is one, up to date.");
        migrate.SetAction((parsed, token) => WithStoreAsync(parsed, services => MigrateAsync(services, token)));
        var restored = new Command("restored", "Voids what processes and Redis hold of the time that a restored store has lost. Run it after every restore.");
        restored.SetAction((parsed, token) => WithStoreAsync(parsed, services => RestoredCommand.RunAsync(services, token)));

        var users = new Command("users", "Manages users.") { create, list, setQuota, rotate, revoke, delete };
        var root = new RootCommand("URL shortener. Without a command it serves; settings are given as --Section:Name value.") { users, migrate, restored };
        // Arguments unknown to the parser may be settings; Arguments checks which ones are.
        foreach (var command in new[] { root, users, create, list, setQuota, rotate, revoke, delete, migrate, restored })
            command.TreatUnmatchedTokensAsErrors = false;
        return root;
    }

    private static async Task<int> WithStoreAsync(ParseResult parsed, Func<IServiceProvider, Task<int>> action)
    {
        var misread = Arguments.FindErrors(parsed.UnmatchedTokens);
        if (misread.Count > 0)
            return Startup.ReportUsage(misread);
        var (builder, errors) = Startup.CreateBuilder([.. parsed.UnmatchedTokens]);
        if (builder is null)
            return Startup.Report(errors);
        builder.Services.AddSettings(builder.Configuration);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddStorageForCommands(ConfiguredServers.Of(builder.Configuration));
        builder.Services.AddUserDeletion();
        await using var services = builder.Services.BuildServiceProvider();
        try
        {
            var database = services.GetRequiredService<IDatabase>();
            var name = parsed.CommandResult.Command.Name;
            // With a mistyped folder, these commands would do nothing on a new, empty store and report success.
            if (name is not ("migrate" or "create") && !database.Exists)
                return await FailAsync(
                    "There is no store in Storage:DataDirectory. Give the folder of the process that serves; a relative one counts from the current folder.",
                    ExitCode.Configuration
                );
            if (name != "migrate")
                database.Prepare(builder.Environment.IsDevelopment());
            return await action(services);
        }
        catch (Exception error) when (error is InvalidOperationException or DependencyException || StoreFailure.IsOfDriver(error))
        {
            // If the driver refuses the connection string, the error is reported as a configuration error.
            var failure = StoreFailure.Explain(error);
            await Console.Error.WriteLineAsync(failure.Message);
            return failure is ConfigurationException ? ExitCode.Configuration : ExitCode.Failed;
        }
    }

    private static async Task<int> MigrateAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        services.GetRequiredService<IDatabase>().Migrate();
        Console.WriteLine("The store is up to date.");
        if (services.GetService<IAnalyticsTables>() is not { } analytics)
            return ExitCode.Done;
        await analytics.MigrateAsync(cancellationToken);
        Console.WriteLine("ClickHouse is up to date.");
        return ExitCode.Done;
    }

    private static async Task<int> CreateUserAsync(
        IServiceProvider services,
        string email,
        Tier tier,
        int? rateLimit,
        long? quota,
        CancellationToken cancellationToken
    )
    {
        var (user, key) = await NewUsers.CreateAsync(services, email, tier, rateLimit, quota, cancellationToken);
        if (user is null)
            return await FailAsync($"There is a user {email} already. Use rotate-key for a new key.");
        Console.WriteLine($"Created user {user.Email}, tier {tier.ToString().ToLowerInvariant()}, {user.RateLimit} requests per minute.");
        Console.WriteLine($"API key: {key}");
        return ExitCode.Done;
    }

    private static async Task<int> ListUsersAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        Console.WriteLine(
            $"{"ID", -6} {"EMAIL", -40} {"TIER", -10} {"LIMIT", 8} {"LINKS", 10} {"KEY", -8} {"STORED", 16} {"QUOTA", 16} {"CREATED", -20} LAST ACTIVE"
        );
        var quotas = services.GetRequiredService<QuotaOptions>();
        foreach (var user in await services.GetRequiredService<IUserStore>().ListAsync(cancellationToken))
        {
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{user.Id, -6} {user.Email, -40} {user.Tier.ToString().ToLowerInvariant(), -10} {user.RateLimit, 8} {user.UrlsCreated, 10} {(user.HasKey ? "active" : "revoked"), -8} {user.Storage.Bytes, 16} {user.Storage.Quota ?? quotas.Of(user.Tier), 16} {user.CreatedAt, -20:yyyy-MM-dd HH:mm:ss} {user.LastActiveAt:yyyy-MM-dd HH:mm:ss}"
                )
            );
        }

        return ExitCode.Done;
    }

    private static async Task<int> SetQuotaAsync(IServiceProvider services, string email, long? quota, CancellationToken cancellationToken)
    {
        if (!await services.GetRequiredService<IUserStore>().SetQuotaAsync(EmailAddress.ToLower(email), quota, cancellationToken))
            return await FailAsync($"There is no user {email}.");
        var limit = quota is { } bytes ? string.Create(CultureInfo.InvariantCulture, $"{bytes} bytes") : "that of their tier";
        Console.WriteLine($"The quota of {email} is {limit}; running instances apply it within {StorageQuota.HeldFor.TotalSeconds:0} seconds.");
        return ExitCode.Done;
    }

    private static async Task<int> RotateKeyAsync(IServiceProvider services, string email, CancellationToken cancellationToken)
    {
        var key = ApiKey.Generate();
        if (!await services.GetRequiredService<IUserStore>().SetKeyHashAsync(EmailAddress.ToLower(email), ApiKey.Hash(key), cancellationToken))
            return await FailAsync($"There is no user {email}.");
        Console.WriteLine($"API key: {key}");
        return ExitCode.Done;
    }

    private static async Task<int> RevokeKeyAsync(IServiceProvider services, string email, CancellationToken cancellationToken)
    {
        if (!await services.GetRequiredService<IUserStore>().SetKeyHashAsync(EmailAddress.ToLower(email), null, cancellationToken))
            return await FailAsync($"There is no user {email}.");
        Console.WriteLine($"The key of {email} is revoked; running instances refuse it within 5 seconds.");
        return ExitCode.Done;
    }

    private static async Task<int> DeleteUserAsync(IServiceProvider services, string email, bool isConfirmed, CancellationToken cancellationToken)
    {
        if (await services.GetRequiredService<IUserStore>().FindDoomedAsync(email.ToLowerInvariant(), cancellationToken) is not { } user)
            return await FailAsync($"There is no user {email}.");
        if (!isConfirmed)
        {
            return await FailAsync(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Nothing was deleted. With --yes this deletes the user {email}, {user.Links} links and their statistics, for good. The codes stay claimed."
                )
            );
        }

        if (user.IsBegun)
            Console.WriteLine($"Continuing the deletion of {email}.");
        var counts = await services
            .GetRequiredService<UserDeletion>()
            .RunAsync(
                user,
                soFar =>
                    Console.WriteLine(
                        string.Create(
                            CultureInfo.InvariantCulture,
                            $"Deleted so far: {soFar.Links} links, {soFar.IdempotencyKeys} idempotency keys, {soFar.ClickRecords} click records."
                        )
                    ),
                cancellationToken
            );
        Console.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"Deleted user {email}, {counts.Links} links and {counts.IdempotencyKeys} idempotency keys, with all clicks."
            )
        );
        return ExitCode.Done;
    }

    private static void CheckQuota(OptionResult result, string orElse)
    {
        if (
            result.Tokens is [var token]
            && !(orElse.Length > 0 && token.Value == TiersQuota)
            && !(long.TryParse(token.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) && bytes <= QuotaOptions.Max)
        )
            result.AddError(string.Create(CultureInfo.InvariantCulture, $"--quota must be a whole number of bytes from 0 to {QuotaOptions.Max:N0}{orElse}."));
    }

    private static long? ReadQuota(string? text) => long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) ? bytes : null;

    private static void CheckEmail(OptionResult result)
    {
        var email = result.GetValueOrDefault<string>() ?? "";
        if (!EmailAddress.TryRead(email, out _))
            result.AddError(
                $"--email must be an address such as name@example.com: printable ASCII characters without blanks, at most {EmailAddress.MaxLength}."
            );
    }

    private static async Task<int> FailAsync(string message, int code = ExitCode.Failed)
    {
        await Console.Error.WriteLineAsync(message);
        return code;
    }
}
