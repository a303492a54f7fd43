using System.Collections;
using System.Reflection;

namespace UrlShortener.Contracts;

/// <summary>
/// Finds environment variables that were probably meant as settings but are not read as such. The environment also contains variables of other programs. So a
/// variable is an error only if its name, together with its key or its value, can hardly be anything but a misspelt setting.
/// </summary>
/// <param name="sections">The sections and the types of their options.</param>
/// <param name="foreign">Top-level keys that ASP.NET Core and the host read themselves.</param>
/// <param name="isNested">Whether a type of a setting is a section of its own.</param>
/// <param name="topLevel">Finds the setting without a section that a name and a value were probably meant as; null: none.</param>
public sealed class EnvironmentNames(
    IReadOnlyDictionary<string, Type> sections,
    IReadOnlySet<string> foreign,
    Func<Type, bool> isNested,
    Func<string, string, string?>? topLevel = null
)
{
    private const string Delimiter = "__";
    private const string KeyDelimiter = ":";

    // Prefixes of ASP.NET Core, which a setting may have.
    private static readonly string[] Prefixes = ["ASPNETCORE_", "DOTNET_"];

    // Paths in ASP.NET Core's own sections whose keys are names that users choose.
    private static readonly string[][] ForeignPaths =
    [
        ["Kestrel", "Endpoints"],
        ["Kestrel", "Certificates"],
        ["Logging", "LogLevel"],
        ["Logging", "Console"],
    ];

    private readonly List<SettingPath> _settings =
    [
        .. sections.SelectMany(section => PathsOf([section.Key], section.Value, isNested)),
        .. ForeignPaths.Select(parts => new SettingPath(parts, HasEntries: true, IsOurs: false)),
    ];

    /// <summary>Names and values of this process's environment.</summary>
    public static IEnumerable<KeyValuePair<string, string>> OfThisProcess() =>
        Environment
            .GetEnvironmentVariables()
            .Cast<DictionaryEntry>()
            .Select(variable => KeyValuePair.Create((string)variable.Key, (string?)variable.Value ?? ""));

    /// <summary>All errors, each a sentence that starts with the variable's name.</summary>
    /// <param name="variables">Names and values.</param>
    public IEnumerable<string> FindErrors(IEnumerable<KeyValuePair<string, string>> variables) =>
        variables
            .OrderBy(variable => variable.Key, StringComparer.OrdinalIgnoreCase)
            .Select(variable => FindError(variable.Key, variable.Value))
            .OfType<string>()
            .Distinct(StringComparer.OrdinalIgnoreCase);

    private string? FindError(string variable, string value)
    {
        var prefix = Prefixes.FirstOrDefault(prefix => variable.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)) ?? "";
        var name = variable[prefix.Length..].Replace(KeyDelimiter, Delimiter, StringComparison.Ordinal);
        var parts = name.Split(Delimiter);
        if (sections.ContainsKey(parts[0]) || foreign.Contains(parts[0]))
            return null;
        if (parts.Length > 1 && FindSection(parts) is { } section)
            return $"{parts[0]} in the environment ({parts[0]}__…) is not a section of settings. Did you mean {section}__…? Rename or unset the variable.";
        if (name.Contains('_', StringComparison.Ordinal) && _settings.FirstOrDefault(setting => setting.IsMeantBy(name)) is { } meant)
            return $"{variable} in the environment is not read as a setting. Did you mean {prefix}{meant}? Rename or unset the variable.";
        return topLevel?.Invoke(name, value) is { } setting
            ? $"{variable} in the environment is not a setting. Did you mean {prefix}{setting}? Rename or unset the variable."
            : null;
    }

    // A name that differs by one or two letters is enough. A name that only begins alike also needs a key of that section.
    private string? FindSection(string[] parts)
    {
        var nearest = sections.Keys.MinBy(section => Spelling.Distance(parts[0], section))!;
        // Short names are often similar by chance.
        if (Spelling.Distance(parts[0], nearest) <= (nearest.Length <= 4 ? 1 : 2))
            return nearest;
        return _settings
            .FirstOrDefault(setting =>
                (Spelling.BeginAlike(parts[0], setting.Parts[0]) || Spelling.Distance(parts[0], setting.Parts[0]) <= 2)
                && setting.Parts[1].Equals(parts[1], StringComparison.OrdinalIgnoreCase)
            )
            ?.Parts[0];
    }

    private static IEnumerable<SettingPath> PathsOf(string[] path, Type type, Func<Type, bool> isNested) =>
        type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
            .SelectMany(property =>
                isNested(property.PropertyType)
                    ? PathsOf([.. path, property.Name], property.PropertyType, isNested)
                    : [new SettingPath([.. path, property.Name], HasEntries: property.PropertyType.IsArray, IsOurs: true)]
            );

    /// <summary>Path of a setting.</summary>
    /// <param name="Parts">Section, optional nested section, and name.</param>
    /// <param name="HasEntries">Whether further names or numbers follow.</param>
    /// <param name="IsOurs">False: a setting of ASP.NET Core.</param>
    private sealed record SettingPath(string[] Parts, bool HasEntries, bool IsOurs)
    {
        // A variable in capitals may belong to another program, such as KGS_TOKEN or POSTGRES_MAX_CONNECTIONS. This is less likely if it has more words and
        // fewer underscores between them.
        private const int WordsWhenJoinedAsOurs = 3;
        private const int WordsWhenAllAreApart = 4;

        private readonly string _joined = string.Join('_', Parts);
        private readonly string _compact = string.Concat(Parts);
        private readonly int _words = IsOurs ? Parts.Sum(part => part.Count(char.IsUpper)) : 0;

        /// <summary>Whether a variable is this setting written with the wrong underscores.</summary>
        public bool IsMeantBy(string variable)
        {
            // One delimiter may be correct and another wrong.
            var singled = variable.Replace(Delimiter, "_", StringComparison.Ordinal);
            var hasLowerCase = variable.Any(char.IsLower);
            return (Matches(singled, _joined) && (hasLowerCase || _words >= WordsWhenJoinedAsOurs))
                || (Matches(singled.Replace("_", "", StringComparison.Ordinal), _compact) && (hasLowerCase || _words >= WordsWhenAllAreApart));
        }

        /// <summary>The form of an environment variable.</summary>
        public override string ToString() => string.Join(Delimiter, Parts) + (HasEntries ? $"{Delimiter}…" : "");

        private bool Matches(string text, string setting) =>
            text.Equals(setting, StringComparison.OrdinalIgnoreCase)
            || (
                HasEntries
                && text.StartsWith(setting, StringComparison.OrdinalIgnoreCase)
                && (text[setting.Length] == '_' || text.AsSpan(setting.Length).ContainsAnyExceptInRange('0', '9') is false)
            );
    }
}
