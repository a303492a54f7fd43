using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using UrlShortener.Contracts;
using UrlShortener.Runtime.Access;
using UrlShortener.Runtime.Health;
using UrlShortener.Runtime.Http;
using UrlShortener.Runtime.Links;
using UrlShortener.Runtime.Statistics;

namespace UrlShortener.Runtime.OpenApi;

/// <summary>The OpenAPI 3.1 document, generated from the endpoints, their types and the notes in <see cref="Described"/>.</summary>
internal static class ApiDescription
{
    /// <summary>Name of the document: /openapi/v1.json.</summary>
    public const string Document = "v1";

    private const string ApiKeyScheme = "ApiKeyAuth";
    private const string BearerScheme = "BearerAuth";
    private const string ProblemType = "application/problem+json";
    private const string MergePatchSchema = "MergePatchLinkRequest";

    private static readonly (string Name, string Description)[] Tags =
    [
        ("Redirects", "What visitors of short URLs meet."),
        ("URLs", "Links: create, read, list, change, delete, count."),
        ("QR codes", "Pictures of short URLs."),
        ("Health", "For monitors."),
    ];

    private static readonly Dictionary<string, (string Description, IEnumerable<string> Values)> Enumerations = new()
    {
        ["ErrorCode"] = ("Tells errors apart.", ErrorPage.Codes),
        ["LinkStatus"] = ("What a visitor of a link meets.", LinkStatuses.Words),
        ["BulkStatus"] = ("Whether a link was created.", ["created", "failed"]),
        ["HealthStatus"] = ("`degraded`: works, with a fallback.", ["healthy", "degraded", "unhealthy"]),
        ["Granularity"] = ("Width of a bucket.", ["hour", "day", "week"]),
    };

    private static readonly (string Owner, string Member, string Enumeration)[] EnumeratedMembers =
    [
        (nameof(Problem), "code", "ErrorCode"),
        (nameof(FieldError), "code", "ErrorCode"),
        (nameof(BulkResult), "code", "ErrorCode"),
        (nameof(BulkResult), "status", "BulkStatus"),
        (nameof(LinkResponse), "status", "LinkStatus"),
        (nameof(LinkDetailResponse), "status", "LinkStatus"),
        (nameof(HealthResponse), "status", "HealthStatus"),
        (nameof(ComponentsResponse), "database", "HealthStatus"),
        (nameof(ComponentsResponse), "cache", "HealthStatus"),
        (nameof(ComponentsResponse), "kgs", "HealthStatus"),
        (nameof(StatisticsResponse), "granularity", "Granularity"),
    ];

    private static readonly Dictionary<string, JsonNode> Examples = new()
    {
        ["original_url"] = "https://example.com/a/long/path?q=1",
        ["custom_alias"] = "spring",
        ["short_code"] = "spring",
        ["short_url"] = "https://sho.rt/spring",
        ["qr_code_url"] = "https://sho.rt/api/v1/urls/spring/qr",
        ["expires_in_days"] = 30,
        ["expires_at"] = "2030-01-31T12:00:00.000Z",
        ["redirect_type"] = 302,
        ["metadata"] = new JsonObject { ["campaign"] = "spring", ["source"] = "mail" },
        ["time_zone"] = "Europe/Berlin",
    };

    /// <summary>Registers the generator.</summary>
    public static void AddApiDescription(this IServiceCollection services)
    {
        services.ConfigureHttpJsonOptions(options =>
        {
            ApiJson.Configure(options.SerializerOptions);
            foreach (
                JsonSerializerContext context in new JsonSerializerContext[]
                {
                    ApiJson.Instance,
                    LinkJson.Instance,
                    StatisticsJson.Instance,
                    HealthJson.Instance,
                }
            )
                options.SerializerOptions.TypeInfoResolverChain.Insert(0, context);
        });
        services.AddOpenApi(
            Document,
            options =>
            {
                options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_1;
                // Free-form JSON has no structure, so it gets no named schema.
                options.CreateSchemaReferenceId = type =>
                    type.Type == typeof(JsonElement) || type.Type == typeof(RawJson) ? null : OpenApiOptions.CreateDefaultSchemaReferenceId(type);
                options.AddDocumentTransformer(DescribeDocument);
                options.AddOperationTransformer(DescribeOperation);
                options.AddSchemaTransformer(DescribeSchema);
            }
        );
    }

    private static Task DescribeDocument(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        document.Info = new OpenApiInfo
        {
            Title = "URL Shortener API",
            Version = HealthEndpoints.Version,
            Description =
                "Creates short links, follows them and counts their clicks. Errors are RFC 9457 problem details with a `code` from a closed list. "
                + "Requests are read strictly: unknown members and parameters are refused. Answers may get further members.",
            Contact = new OpenApiContact { Name = "Operator of this service" },
            License = new OpenApiLicense { Name = "Proprietary", Identifier = "LicenseRef-Proprietary" },
        };
        // Never the host of a request: others may read this document, and a client must not choose the server in it.
        var options = context.ApplicationServices.GetRequiredService<LinkOptions>();
        document.Servers = [new OpenApiServer { Url = options.PublicBaseUrl?.GetLeftPart(UriPartial.Authority) ?? "/", Description = "This service" }];
        document.Tags = Tags.Select(tag => new OpenApiTag { Name = tag.Name, Description = tag.Description }).ToHashSet();
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [ApiKeyScheme] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.ApiKey,
                In = ParameterLocation.Header,
                Name = "X-API-Key",
                Description = "A user's key. Beside `Authorization` both must be valid and name the same user; otherwise the answer is 401.",
            },
            [BearerScheme] = new OpenApiSecurityScheme
            {
                Type = SecuritySchemeType.Http,
                Scheme = "bearer",
                BearerFormat = "JWT",
                Description = "A token of the configured issuer, or a user's key.",
            },
        };
        NameEnumerations(document);
        DescribeMetadata(document);
        AddMergePatch(document);
        return Task.CompletedTask;
    }

    // Named schemas: generated clients then have one type for each enumeration, not one for each member that uses it.
    private static void NameEnumerations(OpenApiDocument document)
    {
        var schemas = document.Components!.Schemas ??= new Dictionary<string, IOpenApiSchema>();
        foreach (var (name, (description, values)) in Enumerations)
        {
            schemas[name] = new OpenApiSchema
            {
                Type = JsonSchemaType.String,
                Description = description,
                Enum = [.. values.Select(value => (JsonNode)JsonValue.Create(value))],
            };
        }

        foreach (var (owner, member, name) in EnumeratedMembers)
        {
            if (schemas.TryGetValue(owner, out var schema) && schema.Properties?.ContainsKey(member) == true)
                schema.Properties[member] = new OpenApiSchemaReference(name, document);
        }
    }

    // Free-form JSON has no structure, so it gets no named schema, and the schema of its type would allow any JSON value.
    private static void DescribeMetadata(OpenApiDocument document)
    {
        foreach (var schema in document.Components!.Schemas!.Values.Where(schema => schema.Properties?.ContainsKey("metadata") == true))
        {
            var isRequest = schema.Properties!.ContainsKey("custom_alias") || schema.Properties.ContainsKey("never_expires");
            schema.Properties["metadata"] = new OpenApiSchema
            {
                Type = JsonSchemaType.Object,
                Description = isRequest
                    ? "A JSON object to keep with the link, such as `campaign` and `source`: at most 4,096 bytes unless configured, without white "
                        + "space, and 8 levels. It replaces all of the old."
                    : "Metadata as it was sent, except for white space.",
                // Explicit, because some generators otherwise treat it as an object that is always empty.
                AdditionalProperties = new OpenApiSchema(),
                Examples = [Examples["metadata"].DeepClone()],
            };
        }

        document.Components.Schemas.Remove(nameof(JsonElement));
    }

    // The members of the other body, with the nulls that have a meaning and without those that have none.
    private static void AddMergePatch(OpenApiDocument document)
    {
        var schemas = document.Components!.Schemas!;
        if (!schemas.TryGetValue(nameof(UpdateLinkRequest), out var update) || update.Properties is null)
            return;
        schemas[MergePatchSchema] = new OpenApiSchema
        {
            Type = JsonSchemaType.Object,
            Description = "What to change, as a merge patch; members that are left out stay as they are.",
            AdditionalPropertiesAllowed = false,
            Properties = update
                .Properties.Where(member => member.Key != "never_expires")
                .ToDictionary(member => member.Key, IOpenApiSchema (member) => WithNull(member.Value, member.Key is "expires_at" or "metadata")),
        };
        var content = document
            .Paths.Values.SelectMany(path => path.Operations?.Values.AsEnumerable() ?? [])
            .SelectMany(operation => operation.RequestBody?.Content ?? new Dictionary<string, OpenApiMediaType>());
        foreach (var (_, media) in content.Where(entry => entry.Key == LinkEndpoints.MergePatch))
            media.Schema = new OpenApiSchemaReference(MergePatchSchema, document);
    }

    private static OpenApiSchema WithNull(IOpenApiSchema schema, bool isNullable)
    {
        var copy = (OpenApiSchema)schema.CreateShallowCopy();
        copy.Type = isNullable ? copy.Type | JsonSchemaType.Null : copy.Type & ~JsonSchemaType.Null;
        return copy;
    }

    private static Task DescribeOperation(OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        var metadata = context.Description.ActionDescriptor.EndpointMetadata;
        var described = metadata.OfType<Described>().LastOrDefault();
        // HEAD draws no picture, so it is not limited.
        if (context.Description.HttpMethod == HttpMethods.Head)
            operation.Responses?.Remove("429");
        // Operation IDs are unique, so HEAD gets its own. HEAD is GET without the body.
        var isHead = context.Description.HttpMethod == HttpMethods.Head;
        operation.OperationId = isHead ? $"{described?.OperationId}Head" : described?.OperationId;
        operation.Summary = isHead ? $"{described?.Summary} (headers only)" : described?.Summary;
        operation.Description = described?.Description;
        foreach (var parameter in described?.Parameters ?? [])
            (operation.Parameters ??= []).Add(Build(parameter));
        if (context.Description.RelativePath?.Contains("{short_code}", StringComparison.Ordinal) == true)
        {
            (operation.Parameters ??= []).Insert(
                0,
                Build(new Parameter("short_code", "The code of the link.", In: ParameterLocation.Path, Pattern: "^[A-Za-z0-9_-]{4,10}$", Example: "spring"))
            );
        }

        var level = metadata.OfType<AccessMetadata>().LastOrDefault()?.Level;
        foreach (var (status, answer) in operation.Responses ?? [])
        {
            if (answer is not OpenApiResponse response)
                continue;
            response.Headers = HeadersOf(status, described, isLimited: level is AccessLevel.Anonymous or AccessLevel.User);
            if (described?.HasPages == true && response.Content?.ContainsKey(ProblemType) == true)
                response.Content["text/html"] = new OpenApiMediaType { Schema = new OpenApiSchema { Type = JsonSchemaType.String } };
        }

        // Gives clients a type for answers that are not listed, such as those of a proxy.
        (operation.Responses ??= [])["default"] = new OpenApiResponse
        {
            Description = "Any other error.",
            Content = new Dictionary<string, OpenApiMediaType>
            {
                [ProblemType] = new() { Schema = new OpenApiSchemaReference(nameof(Problem), context.Document) },
            },
        };
        operation.Security = level is null or AccessLevel.Open
            ? []
            :
            [
                new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(ApiKeyScheme, context.Document)] = [] },
                new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(BearerScheme, context.Document)] = [] },
            ];
        // An empty requirement: a credential is optional.
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

        if (context.JsonTypeInfo.Type == typeof(byte[]))
            (schema.Type, schema.Format) = (JsonSchemaType.String, "binary");

        // Members that are omitted when null are not required, and are never null.
        foreach (var optional in context.JsonTypeInfo.Properties.Where(member => member.ShouldSerialize is not null))
            schema.Required?.Remove(optional.Name);
        // Requests are read strictly. Answers may get more members in later versions.
        if (context.JsonTypeInfo.Kind == JsonTypeInfoKind.Object)
            schema.AdditionalPropertiesAllowed = !IsRequest(context.JsonTypeInfo.Type);

        if (context.JsonPropertyInfo is { } property)
            DescribeMember(schema, property, context.ApplicationServices.GetRequiredService<LinkOptions>());
        return Task.CompletedTask;
    }

    private static void DescribeMember(OpenApiSchema schema, JsonPropertyInfo property, LinkOptions options)
    {
        var isRequest = IsRequest(property.DeclaringType);
        // A null has no meaning in a request. The document allows it where generated clients would otherwise send false, 0 or the year 1 for a member that was
        // not set.
        var isNullable = isRequest ? Nullable.GetUnderlyingType(property.PropertyType) is not null : property.ShouldSerialize is null;
        if (!isNullable)
            schema.Type &= ~JsonSchemaType.Null;
        schema.Format = property.Name switch
        {
            "original_url" when property.DeclaringType != typeof(BulkResult) => "iri",
            "short_url" or "qr_code_url" => "uri",
            "timestamp" => "date-time",
            "type" when property.DeclaringType == typeof(Problem) => "uri-reference",
            _ => schema.Format,
        };
        if (Examples.TryGetValue(property.Name, out var example) && (isRequest || property.DeclaringType != typeof(BulkResult)))
            schema.Examples = [example.DeepClone()];
        switch (property.Name)
        {
            case "original_url" when isRequest:
                schema.MaxLength = options.MaxUrlLength;
                break;
            // An enumeration would have to list null, which makes generators use strings. A default instead of null makes some generators require the member.
            case "redirect_type" when isRequest:
                (schema.Minimum, schema.Maximum) = ("301", "308");
                schema.Not = new OpenApiSchema
                {
                    Type = JsonSchemaType.Integer,
                    Minimum = "303",
                    Maximum = "306",
                };
                schema.Default = null;
                break;
            case "redirect_type":
                schema.Enum = [301, 302, 307, 308];
                break;
            case "urls" when isRequest:
                (schema.MinItems, schema.MaxItems) = (1, Math.Max(options.BulkLimit, options.EnterpriseBulkLimit));
                break;
            case "urls":
                schema.MaxItems = LinkEndpoints.MaxPage;
                break;
            case "results":
                schema.MaxItems = Math.Max(options.BulkLimit, options.EnterpriseBulkLimit);
                break;
        }
    }

    private static bool IsRequest(Type type) => type.Name.EndsWith("Request", StringComparison.Ordinal);

    private static Dictionary<string, IOpenApiHeader> HeadersOf(string status, Described? described, bool isLimited)
    {
        var names = new List<string>(described?.Headers?.GetValueOrDefault(status) ?? []);
        // When the store failed, the caller may not have been identified, so its limit may be unknown.
        if (isLimited && status != "503")
            names.AddRange(["RateLimit", "RateLimit-Policy"]);
        if (status is "429" or "503" && described?.OperationId != "getHealth")
            names.Add("Retry-After");
        if (status == "401")
            names.Add("WWW-Authenticate");
        return names.ToDictionary(name => name, _ => (IOpenApiHeader)new OpenApiHeader { Schema = new OpenApiSchema { Type = JsonSchemaType.String } });
    }

    private static OpenApiParameter Build(Parameter parameter)
    {
        var schema = new OpenApiSchema
        {
            Type = parameter.Type,
            Format = parameter.Format ?? (parameter.Type == JsonSchemaType.Integer ? "int32" : null),
            Pattern = parameter.Pattern,
            Minimum = parameter.Minimum,
            Maximum = parameter.Maximum,
            Default = parameter.Default,
            Enum = parameter.Values?.Select(value => (JsonNode)JsonValue.Create(value)).ToList(),
        };
        return new OpenApiParameter
        {
            Name = parameter.Name,
            In = parameter.In,
            Required = parameter.In == ParameterLocation.Path,
            Description = parameter.Description,
            Style = parameter.IsList ? ParameterStyle.Form : null,
            Explode = parameter.IsList,
            Schema = parameter.IsList
                ? new OpenApiSchema
                {
                    Type = JsonSchemaType.Array,
                    Items = schema,
                    MaxItems = 10,
                }
                : schema,
            Example =
                parameter.Example is null ? null
                : parameter.IsList ? new JsonArray(parameter.Example)
                : parameter.Example,
        };
    }
}

/// <summary>The parts of an operation's description that do not follow from its types.</summary>
/// <param name="OperationId">Its name in generated clients.</param>
/// <param name="Summary">Short description.</param>
/// <param name="Description">Further details.</param>
/// <param name="Parameters">Query and header parameters.</param>
/// <param name="Headers">Response headers, by status.</param>
/// <param name="HasPages">Whether browsers get its errors as pages.</param>
internal sealed record Described(
    string OperationId,
    string Summary,
    string Description,
    IReadOnlyList<Parameter>? Parameters = null,
    IReadOnlyDictionary<string, string[]>? Headers = null,
    bool HasPages = false
);

/// <summary>One parameter.</summary>
internal sealed record Parameter(
    string Name,
    string Description,
    JsonSchemaType Type = JsonSchemaType.String,
    ParameterLocation In = ParameterLocation.Query,
    string? Pattern = null,
    string? Minimum = null,
    string? Maximum = null,
    IReadOnlyList<string>? Values = null,
    JsonNode? Default = null,
    string? Format = null,
    bool IsList = false,
    string? Example = null
);
