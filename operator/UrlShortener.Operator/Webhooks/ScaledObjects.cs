using System.Net;
using System.Text.Json;
using k8s;
using k8s.Autorest;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Webhooks;

/// <summary>Reads the current state of objects that a client scales.</summary>
internal sealed class ScaledObjects(IKubernetes client)
{
    // Well below the 5 seconds that the API server waits for the answer.
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    /// <summary>The object; null: there is none.</summary>
    /// <exception cref="HttpOperationException">The API server refused the request.</exception>
    /// <exception cref="HttpRequestException">The API server cannot be reached.</exception>
    /// <exception cref="OperationCanceledException">It takes too long.</exception>
    public async Task<JsonElement?> FindAsync(string plural, string namespaceName, string name, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(Timeout);
        try
        {
            return (JsonElement)
                await client.CustomObjects.GetNamespacedCustomObjectAsync(ApiGroup.Name, ApiGroup.Version, namespaceName, plural, name, limit.Token);
        }
        catch (HttpOperationException error) when (error.Response.StatusCode == HttpStatusCode.NotFound)
        {
            return null;
        }
    }
}
