using System.Text.Json.Nodes;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Webhooks;

/// <summary>The ValidatingWebhookConfiguration in its installed form. The operator adds the CA bundle.</summary>
internal static class WebhookManifest
{
    /// <summary>The configuration.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="clientConfig">How the API server reaches the operator.</param>
    public static JsonObject Build(string name, JsonObject clientConfig) =>
        new()
        {
            ["apiVersion"] = "admissionregistration.k8s.io/v1",
            ["kind"] = "ValidatingWebhookConfiguration",
            ["metadata"] = new JsonObject { ["name"] = name },
            // Two webhooks, so that an installation can patch the failure policy of deletions. docs/decisions/0019 says why both are Ignore.
            ["webhooks"] = new JsonArray(
                Webhook(
                    "validate",
                    clientConfig,
                    Rule(
                        ["CREATE", "UPDATE"],
                        [
                            V1Alpha1KeyPool.KubePlural,
                            $"{V1Alpha1KeyPool.KubePlural}/scale",
                            V1Alpha1ShortenerRegion.KubePlural,
                            $"{V1Alpha1ShortenerRegion.KubePlural}/scale",
                        ]
                    )
                ),
                Webhook("validate-deletion", clientConfig, Rule(["DELETE"], [V1Alpha1ShortenerRegion.KubePlural]))
            ),
        };

    private static JsonObject Webhook(string name, JsonObject clientConfig, JsonObject rule) =>
        new()
        {
            ["name"] = $"{name}.{ApiGroup.Name}",
            ["admissionReviewVersions"] = new JsonArray("v1"),
            ["sideEffects"] = "None",
            ["timeoutSeconds"] = 5,
            ["failurePolicy"] = "Ignore",
            ["clientConfig"] = clientConfig.DeepClone(),
            ["rules"] = new JsonArray(rule),
        };

    /// <summary>Through the operator's Service.</summary>
    public static JsonObject BuildService(WebhookOptions options) =>
        new()
        {
            ["service"] = new JsonObject
            {
                ["name"] = options.ServiceName,
                ["namespace"] = options.Namespace,
                ["path"] = AdmissionEndpoint.Path,
                ["port"] = 443,
            },
        };

    private static JsonObject Rule(string[] operations, string[] resources) =>
        new()
        {
            ["apiGroups"] = new JsonArray(ApiGroup.Name),
            ["apiVersions"] = new JsonArray(ApiGroup.Version),
            ["operations"] = new JsonArray([.. operations.Select(one => JsonValue.Create(one))]),
            ["resources"] = new JsonArray([.. resources.Select(one => JsonValue.Create(one))]),
            ["scope"] = "Namespaced",
        };
}
