using System.Collections;
using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using Microsoft.Extensions.Configuration.CommandLine;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Json;
using UrlShortener.Contracts;

namespace UrlShortener.Runtime.Configuration;

/// <summary>All sections of ours. They are validated together before anything starts, so that one start reports every error.</summary>
internal static class Settings
{
    private static readonly Dictionary<string, Type> Sections = new(StringComparer.OrdinalIgnoreCase)
    {
        ["Abuse"] = typeof(AbuseOptions),
        ["Authentication"] = typeof(AuthenticationOptions),
        ["Bodies"] = typeof(BodyOptions),
        ["Caching"] = typeof(CachingOptions),
        ["ClickHouse"] = typeof(ClickHouseOptions),
        ["Clicks"] = typeof(ClickOptions),
        ["Connections"] = typeof(ConnectionLimitOptions),
        ["ConnectionStrings"] = typeof(ConnectionOptions),
        ["Cors"] = typeof(CrossOriginOptions),
        ["Exports"] = typeof(ExportOptions),
        ["Kafka"] = typeof(KafkaOptions),
        ["Keys"] = typeof(KeyOptions),
        ["Kgs"] = typeof(KgsOptions),
        ["Links"] = typeof(LinkOptions),
        ["Management"] = typeof(ManagementOptions),
        ["Postgres"] = typeof(PostgresOptions),
        ["Proxies"] = typeof(ProxyOptions),
        ["QrCodes"] = typeof(QrCodeOptions),
        ["Quotas"] = typeof(QuotaOptions),
        ["RateLimiting"] = typeof(RateLimitingOptions),
        ["Redirects"] = typeof(RedirectOptions),
        ["Redis"] = typeof(RedisOptions),
        ["Region"] = typeof(RegionOptions),
        ["Shutdown"] = typeof(ShutdownOptions),
        ["Storage"] = typeof(StorageOptions),
        ["Tracing"] = typeof(TracingOptions),
    };

    // The console logger would silently fall back to the simple format.
    private static readonly string[] LogFormats = ["simple", "json", "systemd"];

    // Top-level keys that ASP.NET Core and the host read themselves.
    private static readonly HashSet<string> Foreign = new(StringComparer.OrdinalIgnoreCase)
    {
        "AllowedHosts",
        "ApplicationName",
        "ContentRoot",
        "DetailedErrors",
        "Environment",
        "Http_Ports",
        "Https_Ports",
        "Kestrel",
        "Logging",
        SettingNames.Role,
        "ShutdownTimeoutSeconds",
        "Urls",
        "WebRoot",
    };

    /// <summary>Registers each section as a singleton of its own type, bound once.</summary>
    public static void AddSettings(this IServiceCollection services, IConfiguration configuration)
    {
        foreach (var (name, type) in Sections)
        {
            var options = Activator.CreateInstance(type)!;
            configuration.GetSection(name).Bind(options);
            services.AddSingleton(type, options);
        }
    }

    /// <summary>All errors of the configuration, each a sentence that starts with the setting's name; empty when it is valid.</summary>
    public static IReadOnlyList<string> FindErrors(IConfigurationRoot configuration)
    {
        var errors = new List<string>();
        foreach (var key in TopLevelKeys(configuration).Order(StringComparer.OrdinalIgnoreCase))
        {
            if (!Sections.ContainsKey(key) && !Foreign.Contains(key))
                errors.Add($"{key} is not a setting.{Suggest(key, Sections.Keys.Concat(Foreign))}");
        }

        // Checks the real environment. A configuration without environment variables, such as a test's, is checked without them.
        if (configuration.Providers.Any(provider => provider is EnvironmentVariablesConfigurationProvider))
            errors.AddRange(FindErrorsOfEnvironment(EnvironmentNames.OfThisProcess()));
        foreach (var (name, type) in Sections)
            CheckSection(configuration.GetSection(name), type, errors);

        errors.AddRange(ListenAddresses.FindErrors(configuration));
        if (errors.Count == 0 && ListenAddresses.FindManagementConflict(configuration) is { } conflict)
            errors.Add(conflict);
        CheckLogFormat(configuration, errors);
        CheckLogLevels(configuration, errors);
        CheckRole(configuration, errors);
        CheckProxies(configuration, errors);
        return errors;
    }

    /// <summary>Variables that were probably meant as settings but are not read as such, each a sentence that starts with the variable's name.</summary>
    public static IEnumerable<string> FindErrorsOfEnvironment(IEnumerable<KeyValuePair<string, string>> variables) =>
        new EnvironmentNames(Sections, Foreign, IsNested, FindTopLevel).FindErrors(variables);

    /// <summary>Whether a name belongs to a setting, or to a section of settings that is not ours.</summary>
    public static bool IsKnown(string name)
    {
        var parts = name.Split(ConfigurationPath.KeyDelimiter);
        if (!Sections.TryGetValue(parts[0], out var type))
            return Foreign.Contains(parts[0]);
        return parts.Length == 1 || type.GetProperties().Any(property => property.Name.Equals(parts[1], StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>The role of this process.</summary>
    public static RuntimeRole RoleOf(IConfiguration configuration) =>
        configuration[SettingNames.Role] is { Length: > 0 } name ? Enum.Parse<RuntimeRole>(name, ignoreCase: true) : RuntimeRole.All;

    private static string? FindTopLevel(string name, string value) =>
        Spelling.Distance(name, SettingNames.Role) == 1 && Enum.GetNames<RuntimeRole>().Contains(value, StringComparer.OrdinalIgnoreCase)
            ? SettingNames.Role
            : null;

    private static void CheckRole(IConfigurationRoot configuration, List<string> errors)
    {
        var name = configuration[SettingNames.Role];
        // Accepts names only: enum parsing would accept any number.
        if (!string.IsNullOrEmpty(name) && !Enum.GetNames<RuntimeRole>().Contains(name, StringComparer.OrdinalIgnoreCase))
        {
            errors.Add($"{SettingNames.Role} must be all, app, kgs or clicks, not \"{name}\".");
            return;
        }

        var role = RoleOf(configuration);
        foreach (var needed in NeedsOf(role))
        {
            if (string.IsNullOrEmpty(configuration[needed]) && string.IsNullOrEmpty(configuration[$"{needed}Path"]))
                errors.Add($"{needed} must be set in the role {role.ToString().ToLowerInvariant()}.");
        }
    }

    private static string[] NeedsOf(RuntimeRole role) =>
        role switch
        {
            RuntimeRole.Kgs => [SettingNames.Postgres, SettingNames.Redis, SettingNames.KgsToken],
            RuntimeRole.Clicks => [SettingNames.Postgres, SettingNames.Kafka, SettingNames.ClickHouse],
            _ => [],
        };

    // Otherwise, everyone who can reach the proxy could choose the host of short URLs.
    private static void CheckProxies(IConfigurationRoot configuration, List<string> errors)
    {
        if (errors.Count > 0)
            return;
        var proxies = configuration.GetSection("Proxies").Get<ProxyOptions>() ?? new ProxyOptions();
        var tracing = configuration.GetSection("Tracing").Get<TracingOptions>() ?? new TracingOptions();
        if (tracing.TrustProxies && proxies.Trusted.Length == 0)
            errors.Add("Tracing:TrustProxies needs Proxies:Trusted, the addresses of these proxies.");
        if (RoleOf(configuration) is RuntimeRole.Kgs or RuntimeRole.Clicks)
            return;
        var links = configuration.GetSection("Links").Get<LinkOptions>() ?? new LinkOptions();
        if (proxies.Trusted.Length > 0 && links.PublicBaseUrl is null && OwnHosts.Of(links, configuration).Count == 0)
            errors.Add(
                "Proxies:Trusted needs Links:PublicBaseUrl, such as https://sho.rt, or Links:OwnHosts: short URLs must not follow X-Forwarded-Host of "
                    + "a visitor."
            );
    }

    // The environment is skipped: it contains the names of everything else on the machine.
    private static HashSet<string> TopLevelKeys(IConfigurationRoot configuration)
    {
        var keys = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        foreach (var provider in configuration.Providers)
        {
            if (provider is CommandLineConfigurationProvider or JsonConfigurationProvider)
                keys.UnionWith(provider.GetChildKeys([], null));
        }

        return keys;
    }

    private static void CheckLogFormat(IConfigurationRoot configuration, List<string> errors)
    {
        const string Key = "Logging:Console:FormatterName";
        if (configuration[Key] is { Length: > 0 } name && !LogFormats.Contains(name, StringComparer.OrdinalIgnoreCase))
            errors.Add($"{Key} must be {string.Join(", ", LogFormats)}, not \"{name}\".");
    }

    // For all providers (Logging:LogLevel) and for each one (Logging:Console:LogLevel). An unknown level would end the start with a stack trace.
    private static void CheckLogLevels(IConfigurationRoot configuration, List<string> errors)
    {
        var logging = configuration.GetSection("Logging");
        foreach (
            var level in logging
                .GetChildren()
                .Select(provider => provider.GetSection("LogLevel"))
                .Prepend(logging.GetSection("LogLevel"))
                .SelectMany(levels => levels.GetChildren())
        )
        {
            if (level.Value is { Length: > 0 } name && !Enum.TryParse<LogLevel>(name, ignoreCase: true, out _))
                errors.Add($"{level.Path} must be {string.Join(", ", Enum.GetNames<LogLevel>())}, not \"{name}\".");
        }
    }

    private static void CheckSection(IConfigurationSection section, Type type, List<string> errors)
    {
        if (!string.IsNullOrEmpty(section.Value))
            errors.Add($"{section.Path} is a section, not one value.");
        var unreadable = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var properties = type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .ToDictionary(property => property.Name, StringComparer.OrdinalIgnoreCase);
        foreach (var child in section.GetChildren())
        {
            var before = errors.Count;
            if (!properties.TryGetValue(child.Key, out var property))
                errors.Add($"{child.Path} is not a setting.{Suggest(child.Key, properties.Keys)}");
            else if (IsNested(property.PropertyType))
                CheckSection(child, property.PropertyType, errors);
            else
                CheckValue(child, property.PropertyType, errors);
            if (errors.Count > before)
                unreadable.Add(child.Key);
        }

        // Ranges are checked only for readable values. The others keep their defaults here; their errors were added above.
        var readable = section.AsEnumerable(makePathsRelative: true).Where(entry => !unreadable.Contains(entry.Key.Split(ConfigurationPath.KeyDelimiter)[0]));
        var options = Activator.CreateInstance(type)!;
        new ConfigurationBuilder().AddInMemoryCollection(readable).Build().Bind(options);
        var results = new List<ValidationResult>();
        Validator.TryValidateObject(options, new ValidationContext(options), results, validateAllProperties: true);
        foreach (var result in results)
        {
            var member = result.MemberNames.FirstOrDefault() ?? "";
            var message = result
                .ErrorMessage!.Replace($"The field {member} ", "", StringComparison.Ordinal)
                .Replace($"The {member} field ", "", StringComparison.Ordinal);
            errors.Add($"{section.Path}:{member} {message}");
        }
    }

    private static void CheckValue(IConfigurationSection section, Type type, List<string> errors)
    {
        if (type != typeof(string) && typeof(IEnumerable).IsAssignableFrom(type))
        {
            if (!string.IsNullOrEmpty(section.Value))
                errors.Add($"{section.Path} is a list; write {section.Path}:0, {section.Path}:1 and so on.");
            return;
        }

        var target = Nullable.GetUnderlyingType(type) ?? type;
        if (section.Value is not { } text)
        {
            // A null in a JSON file means unset.
            if (section.GetChildren().Any())
                errors.Add($"{section.Path} is one value, not a section.");
        }
        else if (target == typeof(Uri))
        {
            if (
                text.Length > 0
                && !(Uri.TryCreate(text, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps))
            )
                errors.Add($"{section.Path} must be an absolute http or https URL, not \"{text}\".");
        }
        else if (target != typeof(string) && !CanConvert(target, text))
            errors.Add($"{section.Path} must be {Describe(target)}, not \"{text}\".");
    }

    private static bool CanConvert(Type type, string text)
    {
        try
        {
            TypeDescriptor.GetConverter(type).ConvertFromInvariantString(text);
            return true;
        }
        // Converters wrap FormatException and OverflowException in various other exceptions.
        catch (Exception error) when (error is not OutOfMemoryException)
        {
            return false;
        }
    }

    private static string Describe(Type type) =>
        type == typeof(bool) ? "true or false"
        : type == typeof(int) || type == typeof(long) ? "a whole number"
        : type == typeof(double) ? "a number such as 0.01"
        : type == typeof(TimeSpan) ? "a time such as 00:00:30"
        : $"a {type.Name}";

    /// <summary>Whether a property type is an options class, so that the property is a nested section.</summary>
    internal static bool IsNested(Type type) => type.IsClass && type.Namespace == typeof(Settings).Namespace;

    private static string Suggest(string key, IEnumerable<string> known)
    {
        var nearest = known.MinBy(name => Spelling.Distance(key, name));
        return nearest is not null && Spelling.Distance(key, nearest) <= 3 ? $" Did you mean {nearest}?" : "";
    }
}
