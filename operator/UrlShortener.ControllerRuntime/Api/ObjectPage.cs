using System.Text.Json;
using k8s.Models;

namespace UrlShortener.ControllerRuntime.Api;

/// <summary>One page of a list of any kind. Its objects are read one by one, so that one that cannot be read does not hide the others.</summary>
internal sealed record ObjectPage(V1ListMeta Metadata, IReadOnlyList<JsonElement>? Items);
