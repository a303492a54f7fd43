using UrlShortener.TestServers;

namespace UrlShortener.Operator.Tests.Traffic;

/// <summary>
/// The CustomResourceDefinitions of external-dns and the Gateway API: those of their releases from the folder in <c>TRAFFIC_CRDS</c>, otherwise ones that
/// accept any specification.
/// </summary>
internal static class TrafficDefinitions
{
    private const string Variable = "TRAFFIC_CRDS";

    /// <summary>The definition of DNSEndpoint.</summary>
    public const string DnsName = "dnsendpoints.externaldns.k8s.io";

    private static string Folder => Environment.GetEnvironmentVariable(Variable) ?? Checkout.PathOf("..", "shared", "test-servers", "crds");

    /// <summary>The file with DNSEndpoint.</summary>
    public static string FindDns(TestHarness.Product.TestFolder folder) =>
        Find(folder, ["external-dns", $"{DnsName}.yaml"], ("externaldns.k8s.io", "DNSEndpoint", "dnsendpoints", "v1alpha1"));

    /// <summary>The file with HTTPRoute.</summary>
    public static string FindRoutes(TestHarness.Product.TestFolder folder) =>
        Find(folder, ["gateway-api", "gateway.networking.k8s.io_httproutes.yaml"], ("gateway.networking.k8s.io", "HTTPRoute", "httproutes", "v1"));

    private static string Find(TestHarness.Product.TestFolder folder, string[] parts, (string Group, string Kind, string Plural, string Version) names)
    {
        var real = Path.Combine([Folder, .. parts]);
        if (File.Exists(real))
            return real;
        var path = folder.PathOf($"{names.Plural}.yaml");
        File.WriteAllText(
            path,
            $$"""
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            metadata:
              name: {{names.Plural}}.{{names.Group}}
              annotations:
                api-approved.kubernetes.io: unapproved, for tests
            spec:
              group: {{names.Group}}
              scope: Namespaced
              names: {kind: {{names.Kind}}, listKind: {{names.Kind}}List, plural: {{names.Plural}}, singular: {{names.Kind.ToLowerInvariant()}} }
              versions:
              - name: {{names.Version}}
                served: true
                storage: true
                subresources:
                  status: {}
                schema:
                  openAPIV3Schema:
                    type: object
                    properties:
                      spec: {type: object, x-kubernetes-preserve-unknown-fields: true}
                      status: {type: object, x-kubernetes-preserve-unknown-fields: true}
            """
        );
        return path;
    }
}
