using System.Collections;
using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Reflection;
using Microsoft.Extensions.Configuration.CommandLine;
using Microsoft.Extensions.Configuration.EnvironmentVariables;
using Microsoft.Extensions.Configuration.Json;
using UrlShortener.Contracts;

namespace UrlShortener.Operator.Configuration;

/// <summary>Reads and validates the operator's settings as a whole before anything starts, so that one start reports all errors.</summary>
internal static class Settings
{
    /// <summary>The section with the settings.</summary>
    public const string Section = "Operator";

    private static readonly Dictionary<string, Type> Sections = new(StringComparer.OrdinalIgnoreCase) { [Section] = typeof(OperatorOptions) };

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
        "ShutdownTimeoutSeconds",
        "Urls",
        "WebRoot",
    };

    /// <summary>Reads the settings.</summary>
    /// <returns>The settings, valid if there are no errors; and all errors, each a sentence that starts with the name of the setting.</returns>
    public static (OperatorOptions Options, IReadOnlyList<string> Errors) Read(IConfiguration configuration)
    {
        var errors = new List<string>();
        var readable = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        CheckSection(configuration.GetSection(Section), typeof(OperatorOptions), readable, errors);
        var options = new OperatorOptions();
        // Unreadable settings keep their defaults; the errors name them.
        new ConfigurationBuilder()
            .AddInMemoryCollection(readable)
            .Build()
            .GetSection(Section)
            .Bind(options);
        Validate(options, Section, errors);
        if (configuration is IConfigurationRoot root)
            CheckNames(root, errors);
        return (options, errors);
    }

    /// <summary>Variables that were probably meant as settings but are not read as such, each a sentence that starts with the variable's name.</summary>
    public static IEnumerable<string> FindErrorsOfEnvironment(IEnumerable<KeyValuePair<string, string>> variables) =>
        new EnvironmentNames(Sections, Foreign, IsSection).FindErrors(variables);

    // A mistyped section would not be read at all.
    private static void CheckNames(IConfigurationRoot configuration, List<string> errors)
    {
        errors.AddRange(
            configuration
                .Providers.Where(provider => provider is CommandLineConfigurationProvider or JsonConfigurationProvider)
                .SelectMany(provider => provider.GetChildKeys([], null))
                .Distinct(StringComparer.OrdinalIgnoreCase)
                .Where(key => !Sections.ContainsKey(key) && !Foreign.Contains(key))
                .Select(key =>
                    $"{key} is not a setting. Settings of the operator start with {Section}:, such as {Section}:{nameof(OperatorOptions.Namespaces)}."
                )
        );
        // Checks the real environment. A configuration without environment variables, such as a test's, is checked without them.
        if (configuration.Providers.Any(provider => provider is EnvironmentVariablesConfigurationProvider))
            errors.AddRange(FindErrorsOfEnvironment(EnvironmentNames.OfThisProcess()));
    }

    private static void CheckSection(IConfigurationSection section, Type type, Dictionary<string, string?> readable, List<string> errors)
    {
        if (!string.IsNullOrEmpty(section.Value))
            errors.Add($"{section.Path} is a section, not one value.");
        var properties = PropertiesOf(type).ToDictionary(property => property.Name, StringComparer.OrdinalIgnoreCase);
        foreach (var child in section.GetChildren())
        {
            if (!properties.TryGetValue(child.Key, out var property))
                errors.Add($"{child.Path} is not a setting. Valid names: {string.Join(", ", properties.Keys.Order(StringComparer.Ordinal))}.");
            else if (IsSection(property.PropertyType))
                CheckSection(child, property.PropertyType, readable, errors);
            else if (FindError(child, property.PropertyType) is { } error)
                errors.Add($"{child.Path} {error}");
            else
                Copy(child, readable);
        }
    }

    private static void Copy(IConfigurationSection section, Dictionary<string, string?> readable)
    {
        foreach (var (key, value) in section.AsEnumerable().Where(entry => entry.Value is not null))
            readable[key] = value;
    }

    private static string? FindError(IConfigurationSection section, Type type)
    {
        if (type != typeof(string) && typeof(IEnumerable).IsAssignableFrom(type))
            return string.IsNullOrEmpty(section.Value) ? null : $"is a list; write {section.Path}:0, {section.Path}:1 and so on.";
        if (section.GetChildren().Any())
            return "is one value, not a section.";
        return section.Value is not { } text || CanConvert(type, text) ? null : $"must be {Describe(type)}, not \"{text}\".";
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
        : type == typeof(int) ? "a whole number"
        : type == typeof(double) ? "a number such as 0.01"
        : type == typeof(Uri) ? "an absolute http or https URL"
        : type == typeof(TimeSpan) ? "a time such as 00:00:30"
        : $"a {type.Name}";

    private static void Validate(object options, string path, List<string> errors)
    {
        var results = new List<ValidationResult>();
        Validator.TryValidateObject(options, new ValidationContext(options), results, validateAllProperties: true);
        foreach (var result in results)
        {
            var member = result.MemberNames.First();
            var message = result
                .ErrorMessage!.Replace($"The field {member} ", "", StringComparison.Ordinal)
                .Replace($"The {member} field ", "", StringComparison.Ordinal);
            errors.Add($"{path}:{member} {message}");
        }

        foreach (var section in PropertiesOf(options.GetType()).Where(property => IsSection(property.PropertyType)))
            Validate(section.GetValue(options)!, $"{path}:{section.Name}", errors);
    }

    private static IEnumerable<PropertyInfo> PropertiesOf(Type type) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.CanWrite);

    private static bool IsSection(Type type) => type.IsClass && type.Assembly == typeof(Settings).Assembly;
}
