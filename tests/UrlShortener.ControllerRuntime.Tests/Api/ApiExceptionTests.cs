using System.Net;
using UrlShortener.ControllerRuntime.Api;
using Xunit;

namespace UrlShortener.ControllerRuntime.Tests.Api;

public sealed class ApiExceptionTests
{
    [Theory]
    // Status code, reason, message; then: a refusal, of the content.
    [InlineData(422, "Invalid", "Service \"a\" is invalid", true, true)]
    [InlineData(500, "InternalError", "failed to create typed patch object (a/b; apps/v1, Kind=Deployment): duplicate entries for key", true, true)]
    [InlineData(500, "InternalError", "Internal error occurred: failed calling webhook \"a\": connection refused", true, false)]
    [InlineData(403, "Forbidden", "exceeded quota: none", true, false)]
    [InlineData(400, "BadRequest", "admission webhook denied the request", true, false)]
    [InlineData(404, "NotFound", "the server could not find the requested resource", true, false)]
    [InlineData(403, "Forbidden", "unable to create new content in namespace a because it is being terminated", false, false)]
    [InlineData(401, "Unauthorized", "Unauthorized", false, false)]
    [InlineData(409, "Conflict", "the object has been modified", false, false)]
    [InlineData(409, "AlreadyExists", "already exists", false, false)]
    [InlineData(429, "TooManyRequests", "try again", false, false)]
    [InlineData(500, "InternalError", "etcdserver: leader changed", false, false)]
    [InlineData(503, "ServiceUnavailable", "overloaded", false, false)]
    public void IsRefusal_OfAnswers_TellsWhatARepetitionDoesNotChange(int code, string reason, string message, bool isRefusal, bool isInvalid)
    {
        var body =
            $$"""{"kind": "Status", "apiVersion": "v1", "reason": "{{reason}}", "message": "{{message.Replace("\"", "\\\"", StringComparison.Ordinal)}}"}""";

        var refused = ApiException.Of(HttpMethod.Patch, "path", (HttpStatusCode)code, body);

        Assert.Equal((isRefusal, isInvalid, message), (refused.IsRefusal, refused.IsInvalid, refused.ServerMessage));
    }

    [Theory]
    [InlineData("namespaces", true)]
    [InlineData("configmaps", false)]
    public void IsNamespaceTerminating_OfWhatIsNotFound_IsAboutTheNamespace(string kind, bool isTerminating)
    {
        var body =
            $$"""{ "kind": "Status", "apiVersion": "v1", "reason": "NotFound", "message": "{{kind}} \"a\" not found", "details": { "name": "a", "kind": "{{kind}}" } }""";

        var refused = ApiException.Of(HttpMethod.Patch, "path", HttpStatusCode.NotFound, body);

        Assert.Equal((isTerminating, !isTerminating), (refused.IsNamespaceTerminating, refused.IsRefusal));
    }
}
