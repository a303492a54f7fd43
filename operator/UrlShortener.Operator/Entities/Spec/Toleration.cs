using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using k8s.Models;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>A taint that pods tolerate, as in a pod's own specification.</summary>
[Rule("has(self.key) || self.operator == 'Exists'", "without key the operator must be Exists")]
[Rule("!(has(self.value) && self.operator == 'Exists')", "with the operator Exists there is no value")]
internal sealed record Toleration
{
    /// <summary>Null: every taint.</summary>
    [Description("Key of the taint. Absent: every taint; the operator must then be Exists.")]
    [Length(1, 316)]
    public string? Key { get; init; }

    /// <summary>How <see cref="Value"/> is compared.</summary>
    [Description("Exists tolerates every value of the taint, Equal the one that value names.")]
    [OneOf("Equal", "Exists")]
    public string Operator { get; init; } = "Equal";

    /// <summary>Null with Exists.</summary>
    [Description("Value of the taint. Absent with the operator Exists.")]
    [Length(0, 63)]
    public string? Value { get; init; }

    /// <summary>Null: every effect.</summary>
    [Description("Effect of the taint. Absent: every effect.")]
    [OneOf("NoSchedule", "PreferNoSchedule", "NoExecute")]
    public string? Effect { get; init; }

    /// <summary>Seconds; null: for good.</summary>
    [Description("How long, in seconds, a pod stays on a node that got the taint, with the effect NoExecute. Absent: for good.")]
    [Range(0, 86_400)]
    public int? TolerationSeconds { get; init; }

    /// <summary>What the pod template takes.</summary>
    public V1Toleration ToCore() => new() { Key = Key, OperatorProperty = Operator, Value = Value, Effect = Effect, TolerationSeconds = TolerationSeconds };
}
