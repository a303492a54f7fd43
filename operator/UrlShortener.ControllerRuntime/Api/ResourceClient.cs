using System.Text.Json;
using System.Text.Json.Nodes;
using k8s;
using k8s.Models;
using UrlShortener.ControllerRuntime.Tracing;

namespace UrlShortener.ControllerRuntime.Api;

/// <summary>
/// Reads and writes objects of one cluster. Every write first checks that this process still leads, and ends before another process can lead. A refusal throws
/// an <see cref="ApiException"/>, a missing answer a <see cref="TimeoutException"/>, a failed connection an <see cref="HttpRequestException"/>. A reconcile
/// catches only refusals of what it writes (<see cref="ApiException.IsRefusal"/>), to report them. The host knows which of the other errors are expected.
/// </summary>
public sealed class ResourceClient
{
    private const string Json = "application/json";
    private const string Merge = "application/merge-patch+json";

    /// <summary>The body is JSON, which is YAML as well.</summary>
    private const string Apply = "application/apply-patch+yaml";

    private readonly ApiClient _client;
    private readonly IFencing _fencing;

    /// <summary>Creates a client for the cluster that <paramref name="client"/> is connected to. <paramref name="fencing"/> permits its writes.</summary>
    public ResourceClient(ApiClient client, IFencing fencing)
    {
        _client = client;
        _fencing = fencing;
    }

    /// <summary>Reads the current object from the server; null: it does not exist.</summary>
    public async Task<T?> GetAsync<T>(ObjectKey key, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        using var span = Spans.StartRequest("get", ResourceType.Of<T>().Kind, key.Namespace, key.Name);
        try
        {
            return await _client.GetAsync<T>(ResourceType.Of<T>().Path(key.Namespace, key.Name), cancellationToken);
        }
        catch (ApiException missing) when (missing.IsNotFound)
        {
            return null;
        }
        catch (Exception error)
        {
            Fail(span, error);
            throw;
        }
    }

    /// <summary>Reads the current objects from the server, for callers for whom the cache may be outdated.</summary>
    /// <param name="namespace">Their namespace.</param>
    /// <param name="selector">Name and value of a query parameter that selects them, such as <c>labelSelector</c>.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    public async Task<IReadOnlyList<T>> ListAsync<T>(string @namespace, (string Name, string Value) selector, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var path = $"{ResourceType.Of<T>().Path(@namespace)}?{selector.Name}={Uri.EscapeDataString(selector.Value)}";
        using var span = Spans.StartRequest("list", ResourceType.Of<T>().Kind, @namespace, null);
        try
        {
            var list = await _client.GetAsync<JsonElement>(path, cancellationToken);
            return [.. list.GetProperty("items").EnumerateArray().Select(ObjectDecoder.Read<T>)];
        }
        catch (Exception error)
        {
            Fail(span, error);
            throw;
        }
    }

    /// <summary>Server-side apply: sets the fields of the object, and leaves all others to their owners.</summary>
    /// <param name="desired">The object, with only the fields to own.</param>
    /// <param name="fieldManager">The manager of the fields. A field that it set before and no longer sets is removed.</param>
    /// <param name="force">Whether to take fields from other managers; only for objects that belong to the operator.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <param name="subresource">Such as <c>status</c>.</param>
    public Task<T> ApplyAsync<T>(T desired, string fieldManager, bool force, CancellationToken cancellationToken, string? subresource = null)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var type = ResourceType.Of<T>();
        desired.ApiVersion = type.ApiVersion;
        desired.Kind = type.Kind;
        var query = $"?fieldManager={fieldManager}&force={(force ? "true" : "false")}";
        return WriteAsync<T>("apply", ObjectKey.Of(desired), HttpMethod.Patch, PathOf(desired, subresource) + query, desired, Apply, cancellationToken);
    }

    /// <summary>Creates an object.</summary>
    public Task<T> CreateAsync<T>(T desired, string fieldManager, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var type = ResourceType.Of<T>();
        desired.ApiVersion = type.ApiVersion;
        desired.Kind = type.Kind;
        var path = $"{type.Path(desired.Metadata.NamespaceProperty)}?fieldManager={fieldManager}";
        return WriteAsync<T>("create", ObjectKey.Of(desired), HttpMethod.Post, path, desired, Json, cancellationToken);
    }

    /// <summary>Changes some fields by a merge patch. If the patch contains <c>metadata.resourceVersion</c>, only if the object is unchanged.</summary>
    public Task<T> PatchAsync<T>(ObjectKey key, JsonObject patch, string fieldManager, CancellationToken cancellationToken, string? subresource = null)
        where T : class, IKubernetesObject<V1ObjectMeta> =>
        WriteAsync<T>("patch", key, HttpMethod.Patch, $"{PathOf<T>(key, subresource)}?fieldManager={fieldManager}", patch, Merge, cancellationToken);

    /// <summary>
    /// Turns one state of an object into another by a merge patch, and only if the object is unchanged since it was read. A changed list is replaced as a
    /// whole, unlike with <see cref="ApplyAsync"/>.
    /// </summary>
    /// <param name="read">The object that was read.</param>
    /// <param name="from">Its fields.</param>
    /// <param name="to">The same with other values.</param>
    /// <param name="fieldManager">The manager of the fields.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <returns>The current object at the server; <paramref name="read"/> if there was nothing to write.</returns>
    public async Task<T> ReplaceAsync<T>(T read, JsonObject from, JsonObject to, string fieldManager, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        if (MergePatch.Between(from, to) is not { } patch)
            return read;
        var metadata = patch["metadata"] as JsonObject ?? [];
        metadata["resourceVersion"] = read.Metadata.ResourceVersion;
        patch["metadata"] = metadata;
        return await PatchAsync<T>(ObjectKey.Of(read), patch, fieldManager, cancellationToken);
    }

    /// <summary>
    /// Removes a field manager from all fields, so that the fields that it set stay only while another manager applies them. Succeeds only if the object is
    /// unchanged since it was read.
    /// </summary>
    /// <param name="read">The object as the server returned it, with its managed fields; cached objects lack them.</param>
    /// <param name="fieldManager">The manager to remove.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <returns>The current object at the server; <paramref name="read"/> if there was nothing to write.</returns>
    public async Task<T> DisownAsync<T>(T read, string fieldManager, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var managers = read.Metadata.ManagedFields ?? [];
        if (managers.All(entry => entry.Manager != fieldManager))
            return read;
        var metadata = VersionOf(read);
        metadata["managedFields"] = JsonNode.Parse(KubernetesJson.Serialize(managers.Where(entry => entry.Manager != fieldManager).ToList()));
        return await PatchAsync<T>(ObjectKey.Of(read), new JsonObject { ["metadata"] = metadata }, fieldManager, cancellationToken);
    }

    /// <summary>
    /// Writes a status if it differs from the one that was read, and only if the object is unchanged since. A status that changes with every reconcile, such as
    /// a time, would cause an endless loop.
    /// </summary>
    /// <param name="read">The object that was read.</param>
    /// <param name="desired">The same with the new status.</param>
    /// <param name="fieldManager">The manager of the fields.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <returns>The current object at the server; <paramref name="read"/> if there was nothing to write.</returns>
    public async Task<T> PatchStatusAsync<T>(T read, T desired, string fieldManager, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        if (MergePatch.Between(StatusOf(read), StatusOf(desired)) is not { } difference)
        {
            Count("patch", ResourceType.Of<T>(), "unchanged");
            return read;
        }

        var patch = new JsonObject { ["metadata"] = VersionOf(read), ["status"] = difference };
        return await PatchAsync<T>(ObjectKey.Of(read), patch, fieldManager, cancellationToken, "status");
    }

    /// <summary>
    /// Server-side apply of a part of the status: sets the given fields, removes those that the manager set before, and leaves all others to their managers.
    /// Refused if the object has been replaced by another one with its name.
    /// </summary>
    /// <param name="read">The object.</param>
    /// <param name="status">The fields.</param>
    /// <param name="fieldManager">The manager of the fields.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    public Task<T> ApplyStatusAsync<T>(T read, JsonObject status, string fieldManager, CancellationToken cancellationToken)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var type = ResourceType.Of<T>();
        var body = new JsonObject
        {
            ["apiVersion"] = type.ApiVersion,
            ["kind"] = type.Kind,
            ["metadata"] = new JsonObject
            {
                ["name"] = read.Metadata.Name,
                ["namespace"] = read.Metadata.NamespaceProperty,
                ["uid"] = read.Metadata.Uid,
            },
            ["status"] = status,
        };
        var path = $"{PathOf(read, "status")}?fieldManager={fieldManager}&force=true";
        return WriteAsync<T>("apply", ObjectKey.Of(read), HttpMethod.Patch, path, body, Apply, cancellationToken);
    }

    /// <summary>Deletes the object that was read, not another one with the same name. Succeeds if it is already deleted.</summary>
    /// <param name="entity">The object.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    /// <param name="isLast">Whether the object stays until its dependents are gone, such as a Job until its pods have ended.</param>
    public async Task DeleteAsync<T>(T entity, CancellationToken cancellationToken, bool isLast = false)
        where T : class, IKubernetesObject<V1ObjectMeta>
    {
        var options = new V1DeleteOptions
        {
            ApiVersion = "v1",
            Kind = "DeleteOptions",
            PropagationPolicy = isLast ? "Foreground" : "Background",
            Preconditions = new V1Preconditions { Uid = entity.Metadata.Uid },
        };
        try
        {
            await WriteAsync<JsonObject>(
                "delete",
                ResourceType.Of<T>(),
                ObjectKey.Of(entity),
                HttpMethod.Delete,
                PathOf(entity, null),
                options,
                Json,
                cancellationToken
            );
        }
        catch (ApiException missing) when (missing.IsNotFound)
        {
            // Another client has already deleted it.
        }
    }

    private static JsonObject VersionOf(IMetadata<V1ObjectMeta> read) => new() { ["resourceVersion"] = read.Metadata.ResourceVersion };

    private static JsonObject StatusOf(object entity) => JsonNode.Parse(KubernetesJson.Serialize(entity))?["status"] as JsonObject ?? [];

    private static string PathOf<T>(T entity, string? subresource)
        where T : class, IKubernetesObject<V1ObjectMeta> => PathOf<T>(ObjectKey.Of(entity), subresource);

    private static string PathOf<T>(ObjectKey key, string? subresource) => ResourceType.Of<T>().Path(key.Namespace, key.Name, subresource);

    private static void Fail(System.Diagnostics.Activity? span, Exception error)
    {
        span.Fail(error);
        if (error is ApiException { StatusCode: var status })
            span?.SetTag("http.response.status_code", (int)status);
    }

    private static void Count(string verb, ResourceType type, string outcome) => ApiMetrics.CountWrite(verb, type.Kind, outcome);

    private Task<T> WriteAsync<T>(
        string verb,
        ObjectKey key,
        HttpMethod method,
        string path,
        object body,
        string contentType,
        CancellationToken cancellationToken
    ) => WriteAsync<T>(verb, ResourceType.Of<T>(), key, method, path, body, contentType, cancellationToken);

    private async Task<T> WriteAsync<T>(
        string verb,
        ResourceType type,
        ObjectKey key,
        HttpMethod method,
        string path,
        object body,
        string contentType,
        CancellationToken cancellationToken
    )
    {
        var outcome = "failed";
        using var span = Spans.StartRequest(verb, type.Kind, key.Namespace, key.Name);
        try
        {
            var token = _fencing.RequireToken();
            var answer = await _client.SendAsync<T>(method, path, body, contentType, cancellationToken, token);
            outcome = "written";
            return answer;
        }
        catch (Exception error)
        {
            outcome = error switch
            {
                LeadershipLostException => "stale",
                ApiException { IsConflict: true } or ApiException { IsAlreadyExists: true } => "conflict",
                ApiException => "refused",
                _ => outcome,
            };
            Fail(span, error);
            throw;
        }
        finally
        {
            span?.SetTag("write.outcome", outcome);
            Count(verb, type, outcome);
        }
    }
}
