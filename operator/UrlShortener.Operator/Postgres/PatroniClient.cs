using System.Text;
using System.Text.Json.Nodes;
using k8s.Models;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Postgres;

/// <summary>Client of Patroni's REST API in the members.</summary>
internal sealed class PatroniClient(MemberConnections connections)
{
    private const int MaxAnswer = 200;

    private static readonly TimeSpan CommandTimeout = TimeSpan.FromSeconds(1);

    /// <summary>What a member says about itself; null: it does not answer.</summary>
    public async Task<PatroniMember?> AskAsync(V1Pod pod, CancellationToken cancellationToken)
    {
        try
        {
            // With the Host header, the handler expects that name in the certificate instead of the address.
            using var request = new HttpRequestMessage(HttpMethod.Get, AddressOf(pod, "patroni")) { Headers = { Host = connections.Host } };
            using var response = await connections.Http.SendAsync(request, cancellationToken);
            return await response.Content.ReadFromJsonAsync<PatroniMember>(cancellationToken);
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested && (error is OperationCanceledException || PodAnswer.IsFailure(error)))
        {
            return null;
        }
    }

    /// <summary>
    /// Tells a member to read its files again: its configuration and its certificates, those of PostgreSQL included. Connections that exist stay.
    /// </summary>
    /// <returns>Why it will not; null: it will.</returns>
    public Task<string?> ReloadAsync(V1Pod pod, CancellationToken cancellationToken) => CommandAsync(pod, "reload", null, cancellationToken);

    /// <summary>Restarts PostgreSQL in a member, if a parameter has changed that needs it.</summary>
    /// <returns>Why it will not; null: it does, or has not answered yet.</returns>
    public Task<string?> RestartAsync(V1Pod pod, CancellationToken cancellationToken) =>
        CommandAsync(pod, "restart", new JsonObject { ["restart_pending"] = true }, cancellationToken);

    /// <summary>Makes a replica anew.</summary>
    /// <param name="pod">The pod of the replica.</param>
    /// <param name="ofPrimary">Whether it copies the member that leads, whatever the configuration says.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <returns>Why it will not; null: it does.</returns>
    public Task<string?> RebuildAsync(V1Pod pod, bool ofPrimary, CancellationToken cancellationToken) =>
        CommandAsync(pod, "reinitialize", new JsonObject { ["force"] = true, ["from_leader"] = ofPrimary }, cancellationToken);

    /// <summary>Moves the primary role.</summary>
    /// <param name="pod">The pod of the primary.</param>
    /// <param name="to">The next primary.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <returns>Why it will not; null: it does, or has not answered yet.</returns>
    public Task<string?> SwitchoverAsync(V1Pod pod, string to, CancellationToken cancellationToken) =>
        CommandAsync(pod, "switchover", new JsonObject { ["leader"] = pod.Metadata.Name, ["candidate"] = to }, cancellationToken);

    /// <summary>Promotes a member while there is no primary.</summary>
    /// <param name="pod">The pod of the member.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <returns>Why it will not; null: it does, or has not answered yet.</returns>
    public Task<string?> PromoteAsync(V1Pod pod, CancellationToken cancellationToken) =>
        CommandAsync(pod, "failover", new JsonObject { ["candidate"] = pod.Metadata.Name }, cancellationToken);

    // Patroni answers when a restart or a move has ended. What it refuses, it refuses at once; so a request that takes longer has been accepted.
    private async Task<string?> CommandAsync(V1Pod pod, string command, JsonObject? body, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(CommandTimeout);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, AddressOf(pod, command))
            {
                Headers = { Host = connections.Host },
                Content = body is null ? null : new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json"),
            };
            using var response = await connections.Http.SendAsync(request, limit.Token);
            return response.IsSuccessStatusCode
                ? null
                : $"{(int)response.StatusCode}: {LastWords.Clean(Texts.Cut(await response.Content.ReadAsStringAsync(limit.Token), MaxAnswer))}";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested && PodAnswer.IsFailure(error))
        {
            return LastWords.Clean(error.Message);
        }
    }

    private static Uri AddressOf(V1Pod pod, string path)
    {
        var host = pod.Status.PodIP.Contains(':', StringComparison.Ordinal) ? $"[{pod.Status.PodIP}]" : pod.Status.PodIP;
        return new Uri($"https://{host}:{PostgresNames.RestPort}/{path}");
    }
}
