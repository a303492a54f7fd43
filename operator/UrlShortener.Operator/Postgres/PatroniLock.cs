using System.Globalization;
using k8s.Models;
using UrlShortener.Operator.Apply;

namespace UrlShortener.Operator.Postgres;

/// <summary>The lock of the leader, as Patroni stores it in the annotations of a ConfigMap.</summary>
/// <param name="Leader">Name of the member that holds it; null: nobody.</param>
/// <param name="RenewedAt">When the holder last renewed it, by the clock of its node; null: unreadable.</param>
/// <param name="Version">Version of the ConfigMap.</param>
internal sealed record PatroniLock(string? Leader, DateTimeOffset? RenewedAt, string Version)
{
    /// <summary>Annotation with the holder.</summary>
    public const string LeaderAnnotation = "leader";

    private const string RenewAnnotation = "renewTime";

    /// <summary>The lock in a ConfigMap; null: there is none yet.</summary>
    public static PatroniLock? Of(V1ConfigMap? map) =>
        map is null
            ? null
            : new PatroniLock(
                Labels.AnnotationOf(map.Metadata, LeaderAnnotation) is { Length: > 0 } leader ? leader : null,
                DateTimeOffset.TryParse(
                    Labels.AnnotationOf(map.Metadata, RenewAnnotation),
                    CultureInfo.InvariantCulture,
                    DateTimeStyles.AssumeUniversal,
                    out var renewed
                )
                    ? renewed
                    : null,
                map.Metadata.ResourceVersion
            );
}
