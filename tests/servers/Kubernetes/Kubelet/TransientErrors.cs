using System.Net;
using System.Text.Json;
using k8s;
using k8s.Autorest;

namespace UrlShortener.TestServers.Kubernetes.Kubelet;

/// <summary>Tells requests that may be sent again from those that may not.</summary>
internal static class TransientErrors
{
    /// <summary>Whether a request failed in a way that another attempt may mend.</summary>
    public static bool IsTransient(Exception error, CancellationToken cancellationToken) =>
        error switch
        {
            HttpOperationException answer => answer.Response.StatusCode
                is >= HttpStatusCode.InternalServerError
                    or HttpStatusCode.TooManyRequests
                    or HttpStatusCode.Conflict
                    or HttpStatusCode.Gone
                    or HttpStatusCode.Unauthorized,
            HttpRequestException or IOException or JsonException or KubernetesException or TimeoutException => true,
            OperationCanceledException => !cancellationToken.IsCancellationRequested,
            _ => false,
        };
}
