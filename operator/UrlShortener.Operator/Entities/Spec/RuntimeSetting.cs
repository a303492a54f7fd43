using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>A setting of the runtime, as text or from a Secret.</summary>
[Rule("has(self.value) != has(self.secretRef)", "set exactly one of value and secretRef")]
[Rule(
    "!(self.name.lowerAscii() in ['role', 'urls', 'http_ports', 'https_ports', 'environment', 'contentroot', 'applicationname', 'links:publicbaseurl', "
        + "'abuse:blocklistpath', 'clicks:topic', 'clicks:spooldirectory', 'clicks:spoolbytes', 'clickhouse:capath', 'clickhouse:migrateonstart'])"
        + " && !['connectionstrings', 'kafka', 'region', 'kgs', 'management', 'storage', 'kestrel', 'links:ownhosts'].exists(section, self.name.lowerAscii() == section || "
        + "self.name.lowerAscii().startsWith(section + ':'))",
    "the operator derives this setting from other fields"
)]
[Rule("!(has(self.value) && self.name.lowerAscii() in ['authentication:jwt:signingkey', 'tracing:headers'])", "this setting is secret; use secretRef")]
internal sealed record RuntimeSetting
{
    /// <summary>Section and name, joined by colons. Not case-sensitive.</summary>
    [Description("Section and name of the setting, joined by colons, such as RateLimiting:Anonymous. Not case-sensitive.")]
    [Required]
    [Length(1, 128)]
    [RegularExpression(Patterns.SettingName)]
    public string Name { get; init; } = "";

    /// <summary>The value; null: <see cref="SecretRef"/> has it.</summary>
    [Description("Value of the setting. Use secretRef for secrets.")]
    [Length(0, 2048)]
    public string? Value { get; init; }

    /// <summary>The Secret with the value; null: <see cref="Value"/> has it.</summary>
    [Description("Secret with the value, for settings such as Authentication:Jwt:SigningKey.")]
    public SecretKeyRef? SecretRef { get; init; }
}
