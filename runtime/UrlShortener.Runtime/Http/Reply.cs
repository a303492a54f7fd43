using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace UrlShortener.Runtime.Http;

/// <summary>Writes whole bodies: their length is known, and a failure to serialize happens before the first byte.</summary>
internal static class Reply
{
    /// <summary>The type of all good API answers.</summary>
    public const string Json = "application/json";

    /// <summary>Answers with an object as JSON.</summary>
    public static Task WriteJsonAsync<T>(HttpContext context, int status, T value, JsonTypeInfo<T> type)
    {
        context.Response.StatusCode = status;
        return WriteAsync(context, JsonSerializer.SerializeToUtf8Bytes(value, type), Json);
    }

    /// <summary>Answers with bytes; to HEAD with their headers alone. The status is set by the caller.</summary>
    public static Task WriteAsync(HttpContext context, byte[] body, string contentType)
    {
        context.Response.ContentType = contentType;
        context.Response.ContentLength = body.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }
}
