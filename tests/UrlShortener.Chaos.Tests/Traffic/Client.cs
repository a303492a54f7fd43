using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using UrlShortener.Chaos.Tests.Histories;
using UrlShortener.Chaos.Tests.Product;

namespace UrlShortener.Chaos.Tests.Traffic;

/// <summary>Sends requests to one pod as one user, and writes each into the history with its answer.</summary>
internal sealed class Client(History history, Pod pod, string apiKey)
{
    /// <summary>Creates a link.</summary>
    public async Task<Operation> CreateAsync(string target, CancellationToken cancellationToken)
    {
        using var request = Api(HttpMethod.Post, "/api/v1/urls");
        request.Content = JsonContent.Create(new { original_url = target });
        return await SendAsync(OperationKind.Create, "", target, request, cancellationToken);
    }

    /// <summary>Gives a link a new target.</summary>
    public async Task<Operation> ChangeAsync(string code, string target, CancellationToken cancellationToken)
    {
        using var request = Api(HttpMethod.Patch, $"/api/v1/urls/{code}");
        request.Content = JsonContent.Create(new { original_url = target });
        return await SendAsync(OperationKind.Change, code, target, request, cancellationToken);
    }

    /// <summary>Deletes a link.</summary>
    public async Task<Operation> DeleteAsync(string code, CancellationToken cancellationToken)
    {
        using var request = Api(HttpMethod.Delete, $"/api/v1/urls/{code}");
        return await SendAsync(OperationKind.Delete, code, "", request, cancellationToken);
    }

    /// <summary>Follows a link.</summary>
    public async Task<Operation> FollowAsync(string code, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, $"/{code}");
        return await SendAsync(OperationKind.Follow, code, "", request, cancellationToken);
    }

    private HttpRequestMessage Api(HttpMethod method, string path) => new(method, path) { Headers = { { "X-API-Key", apiKey } } };

    private async Task<Operation> SendAsync(OperationKind kind, string code, string target, HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var start = history.Now;
        Operation operation;
        try
        {
            using var response = await pod.Http.SendAsync(request, cancellationToken);
            if (kind == OperationKind.Create && response.IsSuccessStatusCode)
                code = await ReadCodeAsync(response.Content, cancellationToken);
            if (kind == OperationKind.Follow)
                target = LocationOf(response.Headers);
            operation = new Operation(kind, pod.Name, code, target, (int)response.StatusCode, start, history.Now);
        }
        // The process was killed, or the answer did not come in the client's time.
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            operation = new Operation(kind, pod.Name, code, target, 0, start, history.Now);
        }

        history.Add(operation);
        return operation;
    }

    private static string LocationOf(HttpResponseHeaders headers) => headers.TryGetValues("Location", out var values) ? string.Join(",", values) : "";

    private static async Task<string> ReadCodeAsync(HttpContent content, CancellationToken cancellationToken) =>
        (await content.ReadFromJsonAsync<JsonElement>(cancellationToken)).GetProperty("short_code").GetString()!;
}
