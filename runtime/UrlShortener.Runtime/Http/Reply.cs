using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace UrlShortener.Runtime.Http;

/// <summary>Writes complete bodies: their length is known, and a serialization error occurs before the first byte is sent.</summary>
internal static class Reply
{
    /// <summary>Content type of all successful API answers.</summary>
    public const string Json = "application/json";

    /// <summary>Answers with an object as JSON.</summary>
    public static Task WriteJsonAsync<T>(HttpContext context, int status, T value, JsonTypeInfo<T> type)
    {
        context.Response.StatusCode = status;
        return WriteAsync(context, JsonSerializer.SerializeToUtf8Bytes(value, type), Json);
    }

    /// <summary>Answers with bytes; for HEAD, only with their headers. The caller sets the status.</summary>
    public static Task WriteAsync(HttpContext context, byte[] body, string contentType)
    {
        context.Response.ContentType = contentType;
        context.Response.ContentLength = body.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.Body.WriteAsync(body, context.RequestAborted).AsTask();
    }
}
