using System.Text.Json;
using System.Text.Json.Nodes;
using k8s.Models;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Postgres;

namespace UrlShortener.Operator.Failover;

/// <summary>What Patroni writes into the pod of a member every few seconds: for operators that do not reach the member itself. Pure.</summary>
internal static class RemoteMember
{
    private const string Annotation = "status";

    /// <summary>The member that leads; null: none tells so.</summary>
    /// <param name="pods">The members of a region.</param>
    public static PatroniMember? FindLeader(IEnumerable<V1Pod> pods) =>
        pods.Select(Read).FirstOrDefault(member => member is { IsPrimary: true } or { IsStandbyLeader: true });

    /// <summary>Whether the kubelet finds a pod ready.</summary>
    public static bool IsReady(V1Pod pod) =>
        pod.Metadata.DeletionTimestamp is null && pod.Status?.Conditions?.Any(condition => condition is { Type: "Ready", Status: "True" }) == true;

    /// <summary>What a member tells; null: nothing that is understood.</summary>
    public static PatroniMember? Read(V1Pod pod)
    {
        if (Labels.AnnotationOf(pod.Metadata, Annotation) is not { } text)
            return null;
        try
        {
            if (StrictJson.Parse(text) is not JsonObject told)
                return null;
            var role = told["role"]?.GetValue<string>();
            var position = told["xlog_location"]?.GetValue<long>();
            return new PatroniMember
            {
                State = told["state"]?.GetValue<string>(),
                Role = role,
                Position = new PatroniPosition
                {
                    Written = role == "primary" ? position : null,
                    Received = role == "primary" ? null : told["receive_lsn"]?.GetValue<long>() ?? position,
                    Replayed = role == "primary" ? null : told["replay_lsn"]?.GetValue<long>(),
                },
            };
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }
}
