using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>A setting of the runtime, given as text or from a Secret.</summary>
[Rule("has(self.value) != has(self.secretRef)", "set exactly one of value and secretRef")]
[Rule("!(self.name.lowerAscii() in ['role', 'urls', 'http_ports', 'https_ports', 'environment', 'contentroot', 'applicationname', 'links:publicbaseurl', 'abuse:blocklistpath'])"
    + " && !['connectionstrings', 'region', 'kgs', 'storage', 'kestrel', 'links:ownhosts'].exists(section, self.name.lowerAscii() == section || self.name.lowerAscii().startsWith(section + ':'))",
    "the operator makes this setting from other fields")]
[Rule("!(has(self.value) && self.name.lowerAscii() == 'authentication:jwt:signingkey')", "this setting is a secret; give it by secretRef")]
internal sealed record RuntimeSetting
{
    /// <summary>Section and name, joined by colons. Case does not matter.</summary>
    [Description("Section and name of the setting, joined by colons, such as RateLimiting:Anonymous.")]
    [Required]
    [Length(1, 128)]
    [RegularExpression(Patterns.SettingName)]
    public string Name { get; init; } = "";

    /// <summary>The value; null: <see cref="SecretRef"/>.</summary>
    [Description("The value, as text. Put nothing secret here.")]
    [Length(0, 2048)]
    public string? Value { get; init; }

    /// <summary>Where the value is; null: <see cref="Value"/>.</summary>
    [Description("Secret that holds the value, for settings such as Authentication:Jwt:SigningKey.")]
    public SecretKeyRef? SecretRef { get; init; }
}
