using k8s.Models;
using UrlShortener.Contracts;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Regions;

/// <summary>Reads the health of processes of the runtime and their servers from pods.</summary>
internal sealed class AppProbe(HttpClient client)
{
    /// <summary>Maximum time for an answer.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(3);

    /// <summary>Maximum size of an answer in bytes.</summary>
    public const int MaxBytes = 64 * 1024;

    // Pods asked at once if the first one does not answer.
    private const int Others = 2;

    /// <summary>The answer of a ready pod; null: none is ready, or none answers.</summary>
    public async Task<HealthResponse?> AskAsync(IEnumerable<V1Pod> pods, CancellationToken cancellationToken)
    {
        // Uses the same pod while it is ready: answers of different pods may differ for a moment, and the status would flap.
        var ready = pods.Where(IsReady).OrderBy(pod => pod.Metadata.CreationTimestamp).ThenBy(pod => pod.Metadata.Name, StringComparer.Ordinal).ToList();
        if (ready.Count == 0)
            return null;
        if (await AskAsync(ready[0], cancellationToken) is { } health)
            return health;
        // Pods of a lost node count as ready for most of a minute.
        var others = ready.Skip(1).OrderBy(pod => pod.Spec?.NodeName == ready[0].Spec?.NodeName).Take(Others);
        var answers = await Task.WhenAll(others.Select(pod => AskAsync(pod, cancellationToken)));
        return answers.FirstOrDefault(answer => answer is not null);
    }

    /// <summary>The answers of all ready pods that answer.</summary>
    public async Task<IReadOnlyList<HealthResponse>> AskEachAsync(IEnumerable<V1Pod> pods, CancellationToken cancellationToken) =>
        [.. (await Task.WhenAll(pods.Where(IsReady).Select(pod => AskAsync(pod, cancellationToken)))).OfType<HealthResponse>()];

    private async Task<HealthResponse?> AskAsync(V1Pod pod, CancellationToken cancellationToken)
    {
        var host = pod.Status.PodIP.Contains(':', StringComparison.Ordinal) ? $"[{pod.Status.PodIP}]" : pod.Status.PodIP;
        try
        {
            // 503 is a valid answer too.
            using var response = await client.GetAsync(new Uri($"http://{host}:{RuntimePod.Port}/health"), cancellationToken);
            return await response.Content.ReadFromJsonAsync<HealthResponse>(cancellationToken);
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested && (error is OperationCanceledException || PodAnswer.IsFailure(error)))
        {
            return null;
        }
    }

    /// <summary>Whether a pod serves.</summary>
    public static bool IsReady(V1Pod pod) =>
        pod.Metadata.DeletionTimestamp is null
        && !string.IsNullOrEmpty(pod.Status?.PodIP)
        && pod.Status.Conditions?.Any(condition => condition is { Type: "Ready", Status: "True" }) == true;
}
