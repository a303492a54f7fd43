using System.ComponentModel.DataAnnotations;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using UrlShortener.Runtime.Health;
using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Users;

namespace UrlShortener.Runtime.OpenApi;

/// <summary>The OpenAPI 3.1 document, made from the endpoints, their types and the notes in <see cref="Described"/>.</summary>
internal static class ApiDescription
{
    /// <summary>Name of the document: /openapi/v1.json.</summary>
    public const string Document = "v1";

    private const string ApiKeyScheme = "ApiKeyAuth";
    private const string BearerScheme = "BearerAuth";

    /// <summary>Adds the generator.</summary>
    public static void AddApiDescription(this IServiceCollection services)
    {
        services.ConfigureHttpJsonOptions(options =>
        {
            ApiJson.Configure(options.SerializerOptions);
            foreach (JsonSerializerContext context in new JsonSerializerContext[] { ApiJson.Instance, LinkJson.Instance, HealthJson.Instance })
                options.SerializerOptions.TypeInfoResolverChain.Insert(0, context);
        });
        services.AddOpenApi(Document, options =>
        {
            options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
            // Free-form JSON has no shape worth a name.
            options.CreateSchemaReferenceId = type => type.Type == typeof(JsonElement) || type.Type == typeof(RawJson) ? null : OpenApiOptions.CreateDefaultSchemaReferenceId(type);
            options.AddDocumentTransformer(DescribeDocument);
            options.AddOperationTransformer(DescribeOperation);
            options.AddSchemaTransformer(DescribeSchema);
        });
    }

    private static Task DescribeDocument(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        document.Info = new OpenApiInfo
        {
            Title = "URL Shortener API",
            Version = HealthEndpoints.Version,
            Description = "Creates short links, follows them and counts their clicks. Errors are RFC 9457 problem details with a `code` from a closed list.",
        };
        document.Servers = [];
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [ApiKeyScheme] = new OpenApiSecurityScheme { Type = SecuritySchemeType.ApiKey, In = ParameterLocation.Header, Name = "X-API-Key" },
            [BearerScheme] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", BearerFormat = "JWT" },
        };
        return Task.CompletedTask;
    }

    private static Task DescribeOperation(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        var described = metadata.OfType<Described>().LastOrDefault();
        // HEAD draws nothing, so that nothing limits it.
        if (context.Description.HttpMethod == HttpMethods.Head)
            operation.Responses?.Remove("429");
        // Names are unique: HEAD is GET without the body.
        operation.OperationId = context.Description.HttpMethod == HttpMethods.Head ? $"{described?.OperationId}Head" : described?.OperationId;
        operation.Summary = described?.Summary;
        operation.Description = null;
        foreach (var parameter in described?.Parameters ?? [])
            (operation.Parameters ??= []).Add(Build(parameter));
        if (context.Description.RelativePath?.Contains("{short_code}", StringComparison.Ordinal) == true)
            (operation.Parameters ??= []).Insert(0, Build(new Parameter("short_code", "The code of the link.", In: ParameterLocation.Path, Pattern: "^[A-Za-z0-9_-]{4,10}$")));

        var level = metadata.OfType<AccessMetadata>().LastOrDefault()?.Level;
        foreach (var (status, answer) in operation.Responses ?? [])
        {
            if (answer is OpenApiResponse response)
                response.Headers = HeadersOf(status, described, isLimited: level is AccessLevel.Anonymous or AccessLevel.User);
        }

        if (level is null or AccessLevel.Open)
            return Task.CompletedTask;
        operation.Security =
        [
            new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(ApiKeyScheme, context.Document)] = [] },
            new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(BearerScheme, context.Document)] = [] },
        ];
        // An empty requirement: it also works without.
        if (level == AccessLevel.Anonymous)
            operation.Security.Add([]);
        return Task.CompletedTask;
    }

    private static Task DescribeSchema(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        if (context.JsonTypeInfo.Type == typeof(DateTimeOffset) || context.JsonTypeInfo.Type == typeof(DateTimeOffset?))
        {
            schema.Type = JsonSchemaType.String | (context.JsonTypeInfo.Type == typeof(DateTimeOffset?) ? JsonSchemaType.Null : 0);
            schema.Format = "date-time";
        }

        // Raw bytes: OpenAPI 3.1 describes them by their content type alone. "byte" would be base64.
        if (context.JsonTypeInfo.Type == typeof(byte[]))
            (schema.Type, schema.Format) = (null, null);

        // Members that are left out when null are not always there.
        foreach (var optional in context.JsonTypeInfo.Properties.Where(member => member.ShouldSerialize is not null))
            schema.Required?.Remove(optional.Name);
        // Requests are read strictly; answers may get further members.
        if (context.JsonTypeInfo.Kind == JsonTypeInfoKind.Object)
            schema.AdditionalPropertiesAllowed = !context.JsonTypeInfo.Type.Name.EndsWith("Request", StringComparison.Ordinal);

        var property = context.JsonPropertyInfo;
        if (property?.AttributeProvider?.IsDefined(typeof(RequiredAttribute), inherit: false) == true)
            schema.Type &= ~JsonSchemaType.Null;
        if (property?.DeclaringType == typeof(UpdateLinkRequest) && property.Name == "expires_at")
        {
            schema.Type = JsonSchemaType.String | JsonSchemaType.Null;
            schema.Format = "date-time";
        }
        else if (property?.Name == "metadata")
        {
            schema.Type = JsonSchemaType.Object;
        }
        else if (property?.Name == "redirect_type")
        {
            schema.Enum = [JsonValue.Create(301), JsonValue.Create(302), JsonValue.Create(307), JsonValue.Create(308)];
            // An enumeration lists null, too, or null is not of it.
            if (schema.Type?.HasFlag(JsonSchemaType.Null) == true)
                schema.Enum.Add(JsonNullSentinel.JsonNull);
        }

        return Task.CompletedTask;
    }

    private static Dictionary<string, IOpenApiHeader> HeadersOf(string status, Described? described, bool isLimited)
    {
        var names = new List<string>(described?.Headers?.GetValueOrDefault(status) ?? []);
        // Where the store failed, nobody may have been found out to have a limit.
        if (isLimited && status != "503")
            names.AddRange(["RateLimit", "RateLimit-Policy"]);
        if (status is "429" or "503" && described?.OperationId != "getHealth")
            names.Add("Retry-After");
        if (status == "401")
            names.Add("WWW-Authenticate");
        return names.ToDictionary(name => name, _ => (IOpenApiHeader)new OpenApiHeader { Schema = new OpenApiSchema { Type = JsonSchemaType.String } });
    }

    private static OpenApiParameter Build(Parameter parameter) => new()
    {
        Name = parameter.Name,
        In = parameter.In,
        Required = parameter.In == ParameterLocation.Path,
        Description = parameter.Description,
        Schema = new OpenApiSchema
        {
            Type = parameter.Type,
            Pattern = parameter.Pattern,
            Minimum = parameter.Minimum,
            Maximum = parameter.Maximum,
            Enum = parameter.Values?.Select(value => (JsonNode)JsonValue.Create(value)).ToList(),
        },
    };
}

/// <summary>What the document says of an operation beyond its types.</summary>
/// <param name="OperationId">Its name for generated clients.</param>
/// <param name="Summary">What it does.</param>
/// <param name="Parameters">Query and header parameters.</param>
/// <param name="Headers">Headers of its answers, by status.</param>
internal sealed record Described(string OperationId, string Summary, IReadOnlyList<Parameter>? Parameters = null, IReadOnlyDictionary<string, string[]>? Headers = null);

/// <summary>One parameter.</summary>
internal sealed record Parameter(
    string Name,
    string Description,
    JsonSchemaType Type = JsonSchemaType.String,
    ParameterLocation In = ParameterLocation.Query,
    string? Pattern = null,
    string? Minimum = null,
    string? Maximum = null,
    IReadOnlyList<string>? Values = null);
