using System.Text.Json;
using k8s.Models;

namespace UrlShortener.ControllerRuntime.Api;

/// <summary>One page of a list of any kind. Objects are decoded one by one, so that an undecodable one does not hide the others.</summary>
internal sealed record ObjectPage(V1ListMeta Metadata, IReadOnlyList<JsonElement>? Items);
