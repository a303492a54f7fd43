using k8s.Models;
using UrlShortener.Operator.Pods;
using UrlShortener.Operator.Regions;

namespace UrlShortener.Operator.Traffic;

/// <summary>Finds a pod of a region that serves.</summary>
internal sealed class TrafficProbe(HttpClient client)
{
    /// <summary>Maximum time for an answer.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(3);

    // Pods that are asked at once if the one that answered last does not. Those of a lost node count as ready for most of a minute.
    private const int MostAtOnce = 64;

    /// <summary>The name of a ready pod that answers; null: none does.</summary>
    /// <param name="pods">Pods of the app.</param>
    /// <param name="preferred">The pod that is asked first, alone; null: any.</param>
    /// <param name="cancellationToken">Ends the requests.</param>
    public async Task<string?> FindAsync(IEnumerable<V1Pod> pods, string? preferred, CancellationToken cancellationToken)
    {
        var ready = pods.Where(AppProbe.IsReady).OrderBy(pod => pod.Metadata.Name, StringComparer.Ordinal).ToList();
        var first = ready.Find(pod => pod.Metadata.Name == preferred) ?? ready.FirstOrDefault();
        if (first is null)
            return null;
        if (await AnswersAsync(first, cancellationToken))
            return first.Metadata.Name;
        var others = ready.Where(pod => pod != first).Take(MostAtOnce).ToList();
        var answers = await Task.WhenAll(others.Select(pod => AnswersAsync(pod, cancellationToken)));
        return others.Zip(answers).FirstOrDefault(asked => asked.Second).First?.Metadata.Name;
    }

    // Any answer counts: whether a pod is ready is the kubelet's to say. This says whether it is there.
    private async Task<bool> AnswersAsync(V1Pod pod, CancellationToken cancellationToken)
    {
        var host = pod.Status.PodIP.Contains(':', StringComparison.Ordinal) ? $"[{pod.Status.PodIP}]" : pod.Status.PodIP;
        try
        {
            var address = new Uri($"http://{host}:{RuntimePod.Port}/health");
            using var response = await client.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            return true;
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested && (error is OperationCanceledException || PodAnswer.IsFailure(error)))
        {
            return false;
        }
    }
}
