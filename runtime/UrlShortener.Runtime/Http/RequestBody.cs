using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;

namespace UrlShortener.Runtime.Http;

/// <summary>Reads JSON bodies up to a limit. Returns errors in a body as values, not as exceptions.</summary>
internal static class RequestBody
{
    /// <summary>The answer to a body of another content type.</summary>
    public static readonly Problem NotJson = Problem.Of(
        StatusCodes.Status415UnsupportedMediaType,
        ErrorCode.UnsupportedMediaType,
        "The body must be JSON, sent with Content-Type: application/json."
    );

    private const int MaxErrors = 50;

    private static readonly JsonDocumentOptions DocumentOptions = new() { AllowDuplicateProperties = false, MaxDepth = ApiJson.MaxDepth };

    private static readonly Problem Broken = Problem.Of(StatusCodes.Status400BadRequest, ErrorCode.InvalidRequest, "The body could not be read to its end.");

    /// <summary>Reads the bytes of a JSON body, or returns what is wrong with it. The caller disposes of the bytes after use.</summary>
    /// <param name="context">The request.</param>
    /// <param name="maxBytes">Largest body.</param>
    /// <param name="lease">Memory for the body, held until the answer is sent.</param>
    public static async Task<(ReceivedBody Body, Problem? Problem)> ReadAsync(HttpContext context, int maxBytes, BodyBudget.BodyLease lease)
    {
        context.Response.RegisterForDispose(lease);
        var request = context.Request;
        var body = new ReceivedBody();
        maxBytes = (int)Math.Min(maxBytes, lease.Budget.MaxBody);
        if (!request.HasJsonContentType())
            return (body, NotJson);
        if (request.ContentLength > maxBytes)
            return (body, TooLarge(maxBytes));
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = maxBytes;
        using var end = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        end.CancelAfter(lease.Budget.Timeout);
        try
        {
            return (body, await ReceiveAsync(request.Body, body, maxBytes, lease, end.Token));
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            return (body, TooSlow(lease.Budget.Timeout));
        }
        catch (BadHttpRequestException error) when (error.StatusCode == StatusCodes.Status413PayloadTooLarge)
        {
            return (body, TooLarge(maxBytes));
        }
        // Kestrel throws this when the client sends more slowly than the minimum rate.
        catch (BadHttpRequestException error) when (error.StatusCode == StatusCodes.Status408RequestTimeout)
        {
            return (body, TooSlow(lease.Budget.Timeout));
        }
        catch (BadHttpRequestException error)
        {
            return (body, Problem.Of(error.StatusCode, ErrorCode.InvalidRequest, error.Message));
        }
        catch (ConnectionResetException)
        {
            // The client is gone. Abort explicitly; otherwise Kestrel drains the body and logs that it is incomplete.
            context.Abort();
            return (body, Broken);
        }
        // Kestrel throws this for a chunk size that overflows.
        catch (IOException)
        {
            return (body, Broken);
        }
    }

    /// <summary>Reads the object in a JSON text and finds all errors. Valid members are read even if others are not valid.</summary>
    public static ParsedBody<T> Parse<T>(ReadOnlySequence<byte> body, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            var reader = new Utf8JsonReader(WithoutByteOrderMark(body), new JsonReaderOptions { MaxDepth = ApiJson.MaxDepth });
            var value = JsonSerializer.Deserialize(ref reader, type);
            // Throws if more data follows.
            reader.Read();
            return value is not null ? new ParsedBody<T>(value, []) : ParsedBody<T>.Unreadable("body", "The body must be a JSON object.");
        }
        catch (JsonException error)
        {
            return ReadMembers(body, type) ?? ParsedBody<T>.Unreadable(PathOf(error) ?? "body", Describe(error, body));
        }
    }

    /// <summary>Names of the members of a JSON object that are null.</summary>
    public static IReadOnlySet<string> NullMembers(ReadOnlySequence<byte> body)
    {
        using var document = JsonDocument.Parse(WithoutByteOrderMark(body), DocumentOptions);
        return document
            .RootElement.EnumerateObject()
            .Where(member => member.Value.ValueKind == JsonValueKind.Null)
            .Select(member => member.Name)
            .ToHashSet(StringComparer.Ordinal);
    }

    // Returns null when there are no members to read, or when reading them one by one does not find the error.
    private static ParsedBody<T>? ReadMembers<T>(ReadOnlySequence<byte> body, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            using var document = JsonDocument.Parse(WithoutByteOrderMark(body), DocumentOptions);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
                return null;
            var errors = new List<FieldError>();
            var readable = root.EnumerateObject()
                .Where(member => IsReadable(member, type, "", errors))
                .ToDictionary(member => member.Name, member => member.Value, StringComparer.Ordinal);
            if (errors.Count == 0)
                return null;
            return new ParsedBody<T>(
                JsonSerializer.Deserialize(JsonSerializer.SerializeToUtf8Bytes(readable, ApiJson.Instance.DictionaryStringJsonElement), type),
                errors
            );
        }
        // InvalidOperationException: a name is not valid Unicode.
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    // RFC 8259 section 8.1 lets a reader ignore the byte order mark. Some editors and encoders write one.
    private static ReadOnlySequence<byte> WithoutByteOrderMark(ReadOnlySequence<byte> body) =>
        body.Length >= 3 && body.Slice(0, 3).ToArray().AsSpan().SequenceEqual("\uFEFF"u8) ? body.Slice(3) : body;

    private static bool IsReadable(JsonProperty member, JsonTypeInfo type, string path, List<FieldError> errors)
    {
        if (errors.Count >= MaxErrors)
            return false;
        path += member.Name.Length > 64 ? member.Name[..64] : member.Name;
        if (type.Properties.FirstOrDefault(property => property.Name == member.Name) is not { } property)
        {
            errors.Add(new FieldError(path, ErrorCode.InvalidRequest, NoSuchField(path)));
            return false;
        }

        var memberType = type.Options.GetTypeInfo(property.PropertyType);
        try
        {
            member.Value.Deserialize(memberType);
            return true;
        }
        catch (JsonException)
        {
            if (
                member.Value.ValueKind == JsonValueKind.Array
                && memberType.ElementType is { } element
                && type.Options.GetTypeInfo(element) is { Kind: JsonTypeInfoKind.Object } itemType
            )
                CheckItems(member.Value, itemType, path, errors);
            else
                errors.Add(new FieldError(path, ErrorCode.InvalidRequest, $"{WrongType(path)} {Describe(property.PropertyType)}"));
            return false;
        }
    }

    private static void CheckItems(JsonElement list, JsonTypeInfo itemType, string path, List<FieldError> errors)
    {
        foreach (var (index, item) in list.EnumerateArray().Index())
        {
            if (item.ValueKind == JsonValueKind.Object)
            {
                foreach (var member in item.EnumerateObject())
                    IsReadable(member, itemType, $"{path}[{index}].", errors);
            }
            else if (item.ValueKind != JsonValueKind.Null && errors.Count < MaxErrors)
            {
                errors.Add(new FieldError($"{path}[{index}]", ErrorCode.InvalidRequest, $"{WrongType($"{path}[{index}]")} It must be an object."));
            }
        }
    }

    private static string Describe(Type type)
    {
        var value = Nullable.GetUnderlyingType(type) ?? type;
        return value == typeof(string) ? "It must be a text."
            : value == typeof(bool) ? "It must be true or false."
            : value == typeof(int) ? "It must be a whole number."
            : value == typeof(DateTimeOffset) ? "It must be an RFC 3339 time with its offset, such as 2030-01-31T12:00:00Z."
            : type == typeof(JsonElement) ? "It must be an object."
            : "It must be a list.";
    }

    private static async Task<Problem?> ReceiveAsync(
        Stream source,
        ReceivedBody body,
        int maxBytes,
        BodyBudget.BodyLease lease,
        CancellationToken cancellationToken
    )
    {
        while (true)
        {
            if (body.Free.IsEmpty)
            {
                // Takes no more than the largest body needs; otherwise a body that fits could be refused because of the size of its last piece.
                if (lease.TryTake((int)Math.Min(body.NextPiece, maxBytes - body.Length)) is { } problem)
                    return problem;
                body.AddPiece();
            }

            var read = await source.ReadAsync(body.Free, cancellationToken);
            if (read == 0)
                return null;
            body.Advance(read);
            if (body.Length > maxBytes)
                return TooLarge(maxBytes);
        }
    }

    private static string Describe(JsonException error, ReadOnlySequence<byte> body)
    {
        var path = PathOf(error);
        if (error.Message.Contains("could not be mapped", StringComparison.Ordinal))
            return NoSuchField(path ?? "of that name");
        if (error.Message.Contains("uplicate", StringComparison.Ordinal))
            return $"{DuplicateMember.Find(WithoutByteOrderMark(body)) ?? $"A name in {path ?? "the body"}"} is there twice. Send it once.";
        if (error.Message.Contains("maximum configured depth", StringComparison.Ordinal))
            return $"The body is nested more than {ApiJson.MaxDepth} levels deep. Nest it less deeply.";
        if (path is not null && error.Message.Contains("could not be converted", StringComparison.Ordinal))
            return WrongType(path);
        return $"The body is not valid JSON at line {error.LineNumber + 1}, byte {error.BytePositionInLine + 1}.";
    }

    private static string? PathOf(JsonException error) => error.Path is { Length: > 2 } path ? path[2..] : null;

    private static string NoSuchField(string path) => $"There is no field {path} here. Remove it or check its spelling.";

    private static string WrongType(string path) => $"{path} has a value of the wrong type, or text that is not valid Unicode.";

    private static Problem TooSlow(TimeSpan limit) =>
        Problem.Of(
            StatusCodes.Status408RequestTimeout,
            ErrorCode.RequestTimeout,
            $"The body did not arrive within {limit.TotalSeconds:0.#} s, or came too slowly. Send it faster, or less at a time."
        );

    private static Problem TooLarge(int maxBytes) =>
        Problem.Of(
            StatusCodes.Status413PayloadTooLarge,
            ErrorCode.PayloadTooLarge,
            $"The body may have at most {maxBytes} bytes. Send less, or several requests."
        );
}

/// <summary>The part of a body that could be read, and the errors in the rest.</summary>
/// <param name="Value">Null: nothing could be read.</param>
/// <param name="Errors">Empty: the whole body was read.</param>
internal readonly record struct ParsedBody<T>(T? Value, IReadOnlyList<FieldError> Errors)
    where T : class
{
    /// <summary>A body of which nothing could be read.</summary>
    public static ParsedBody<T> Unreadable(string field, string message) => new(null, [new FieldError(field, ErrorCode.InvalidRequest, message)]);
}
