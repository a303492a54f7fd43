using System.Text.Json;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.OpenApi;

/// <summary>The OpenAPI document as the product serves it.</summary>
internal sealed class ApiDocument
{
    private readonly SchemaValidator _validator;

    private ApiDocument(JsonElement root)
    {
        Root = root;
        _validator = new SchemaValidator(root);
        Operations =
        [
            .. from path in root.GetProperty("paths").EnumerateObject()
            from operation in path.Value.EnumerateObject()
            select new Operation(operation.Name.ToUpperInvariant(), path.Name, operation.Value),
        ];
    }

    public JsonElement Root { get; }

    public IReadOnlyList<Operation> Operations { get; }

    public static async Task<ApiDocument> LoadAsync(ApiClient client)
    {
        var reply = await client.GetAsync("/openapi/v1.json");
        Assert.True(reply.Status == 200, reply.ToString());
        return new ApiDocument(reply.Json);
    }

    public Operation Find(string method, string path) =>
        Operations.SingleOrDefault(operation => operation.Method == method && operation.Path == path)
        ?? throw new InvalidOperationException($"{method} {path} is not documented.");

    public IReadOnlyList<string> Validate(JsonElement schema, JsonElement value) => _validator.Validate(schema, value);

    public void RequireSupport(JsonElement schema) => _validator.RequireSupport(schema);
}

/// <summary>A method of a path.</summary>
internal sealed record Operation(string Method, string Path, JsonElement Json)
{
    /// <summary>Its answers by status, but for what it says of all others.</summary>
    public IReadOnlyDictionary<int, JsonElement> Responses { get; } =
        Json.GetProperty("responses")
            .EnumerateObject()
            .Where(response => response.Name != "default")
            .ToDictionary(response => int.Parse(response.Name, System.Globalization.CultureInfo.InvariantCulture), response => response.Value);

    /// <summary>The schema of its JSON body; null when it takes none.</summary>
    public JsonElement? RequestSchema => RequestSchemaOf("application/json");

    /// <summary>The schema of its body of a type; null when it takes none.</summary>
    public JsonElement? RequestSchemaOf(string type) =>
        Json.TryGetProperty("requestBody", out var body) ? body.GetProperty("content").GetProperty(type).GetProperty("schema") : null;

    /// <summary>A parameter's schema.</summary>
    public JsonElement ParameterSchema(string name) =>
        Json.GetProperty("parameters").EnumerateArray().Single(parameter => parameter.GetProperty("name").GetString() == name).GetProperty("schema");

    /// <summary>Content types of an answer, with their schemas.</summary>
    public static IReadOnlyDictionary<string, JsonElement> ContentOf(JsonElement response) =>
        response.TryGetProperty("content", out var content) ? content.EnumerateObject().ToDictionary(type => type.Name, type => type.Value) : [];

    /// <summary>Names of an answer's headers.</summary>
    public static IReadOnlyList<string> HeadersOf(JsonElement response) =>
        response.TryGetProperty("headers", out var headers) ? [.. headers.EnumerateObject().Select(header => header.Name)] : [];

    public override string ToString() => $"{Method} {Path}";
}
