using System.Text.Json;
using System.Text.Json.Serialization;
using UrlShortener.Runtime.Http;

namespace UrlShortener.Runtime.Links;

/// <summary>The bodies of /api/v1/urls.</summary>
[JsonSerializable(typeof(CreateLinkRequest))]
[JsonSerializable(typeof(CreateLinkResponse))]
[JsonSerializable(typeof(UpdateLinkRequest))]
[JsonSerializable(typeof(UpdateLinkResponse))]
[JsonSerializable(typeof(LinkResponse))]
[JsonSerializable(typeof(LinkDetailResponse))]
[JsonSerializable(typeof(LinkListResponse))]
[JsonSerializable(typeof(BulkRequest))]
[JsonSerializable(typeof(BulkResponse))]
internal sealed partial class LinkJson : JsonSerializerContext
{
    /// <summary>The context in use.</summary>
    public static LinkJson Instance { get; } = new(ApiJson.Configure(new JsonSerializerOptions()));
}
