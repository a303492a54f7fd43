using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using k8s.Models;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>A taint that pods tolerate, as in a pod specification.</summary>
[Rule("has(self.key) || self.operator == 'Exists'", "operator must be Exists if key is absent")]
[Rule("!(has(self.value) && self.operator == 'Exists')", "value must be absent if operator is Exists")]
internal sealed record Toleration
{
    /// <summary>Null: all taints.</summary>
    [Description("Key of the taint. If absent: all taints; operator must then be Exists.")]
    [Length(1, 316)]
    public string? Key { get; init; }

    /// <summary>How <see cref="Value"/> is compared.</summary>
    [Description("Exists: tolerates every value of the taint. Equal: tolerates the one in value.")]
    [OneOf("Equal", "Exists")]
    public string Operator { get; init; } = "Equal";

    /// <summary>Null with Exists.</summary>
    [Description("Value of the taint. Must be absent if operator is Exists.")]
    [Length(0, 63)]
    public string? Value { get; init; }

    /// <summary>Null: all effects.</summary>
    [Description("Effect of the taint. If absent: all effects.")]
    [OneOf("NoSchedule", "PreferNoSchedule", "NoExecute")]
    public string? Effect { get; init; }

    /// <summary>Seconds; null: no limit.</summary>
    [Description("Seconds that a pod stays on a node after the node gets the taint, for effect NoExecute. If absent: no limit.")]
    [Range(0, 86_400)]
    public int? TolerationSeconds { get; init; }

    /// <summary>Whether it covers a taint without a value that evicts pods.</summary>
    /// <param name="taint">The key.</param>
    public bool CoversExecution(string taint) =>
        (Key is null || Key == taint) && (Effect is null or "NoExecute") && (Operator == "Exists" || string.IsNullOrEmpty(Value));

    /// <summary>The form that a pod template uses.</summary>
    public V1Toleration ToCore() =>
        new()
        {
            Key = Key,
            OperatorProperty = Operator,
            Value = Value,
            Effect = Effect,
            TolerationSeconds = TolerationSeconds,
        };
}
