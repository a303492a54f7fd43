using System.Text.Json.Nodes;
using k8s;
using k8s.Autorest;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

/// <summary>An admission policy of the cluster, with its binding, for the objects of one kind in one namespace.</summary>
internal sealed class ClusterPolicy : IAsyncDisposable
{
    private const string Group = "admissionregistration.k8s.io";

    private readonly IKubernetes _client;
    private readonly string _kind;
    private readonly string _name;
    private Func<Task>? _refusedAsync;
    private bool _isDeleted;

    private ClusterPolicy(IKubernetes client, string kind, string name) => (_client, _kind, _name) = (client, kind, name);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private string Policies => $"{_kind.ToLowerInvariant()[..^1]}ies";

    private string Bindings => $"{_kind.ToLowerInvariant()}bindings";

    /// <summary>A policy that refuses the objects with a message; returns when a probe is refused.</summary>
    public static async Task<ClusterPolicy> DenyAsync(IKubernetes client, string space, string group, string resource, string message, Func<Task> probeAsync)
    {
        var policy = new ClusterPolicy(client, "ValidatingAdmissionPolicy", $"deny-{resource.Replace('/', '-')}-{space}") { _refusedAsync = probeAsync };
        var spec = new JsonObject { ["validations"] = new JsonArray(new JsonObject { ["expression"] = "false", ["message"] = message }) };
        await policy.CreateAsync(space, group, resource, spec, new JsonObject { ["validationActions"] = new JsonArray("Deny") });
        await Eventually.HoldsAsync(() => IsRefusedAsync(probeAsync), $"the policy refuses {resource}");
        return policy;
    }

    /// <summary>A policy that changes the objects by a JSON patch; returns when a probe is changed.</summary>
    public static async Task<ClusterPolicy> ChangeAsync(
        IKubernetes client,
        string space,
        string group,
        string resource,
        string expression,
        Func<Task<bool>> probeAsync
    )
    {
        var policy = new ClusterPolicy(client, "MutatingAdmissionPolicy", $"change-{resource}-{space}");
        var spec = new JsonObject
        {
            ["reinvocationPolicy"] = "Never",
            ["mutations"] = new JsonArray(
                new JsonObject
                {
                    ["patchType"] = "JSONPatch",
                    ["jsonPatch"] = new JsonObject { ["expression"] = expression },
                }
            ),
        };
        await policy.CreateAsync(space, group, resource, spec, []);
        await Eventually.HoldsAsync(probeAsync, $"the policy changes {resource}");
        return policy;
    }

    /// <summary>Returns when the policy is no longer in force.</summary>
    public async Task EndAsync()
    {
        await DeleteAsync();
        if (_refusedAsync is { } probeAsync)
            await Eventually.HoldsAsync(async () => !await IsRefusedAsync(probeAsync), $"{_name} has ended");
    }

    private async Task DeleteAsync()
    {
        _isDeleted = true;
        await _client.CustomObjects.DeleteClusterCustomObjectAsync(Group, "v1", Bindings, _name);
        await _client.CustomObjects.DeleteClusterCustomObjectAsync(Group, "v1", Policies, _name);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_isDeleted)
            await DeleteAsync();
    }

    private static async Task<bool> IsRefusedAsync(Func<Task> requestAsync)
    {
        try
        {
            await requestAsync();
            return false;
        }
        catch (HttpOperationException)
        {
            return true;
        }
    }

    private async Task CreateAsync(string space, string group, string resource, JsonObject spec, JsonObject binding)
    {
        spec["failurePolicy"] = "Fail";
        spec["matchConstraints"] = new JsonObject
        {
            ["namespaceSelector"] = new JsonObject { ["matchLabels"] = new JsonObject { ["kubernetes.io/metadata.name"] = space } },
            ["resourceRules"] = new JsonArray(
                new JsonObject
                {
                    ["apiGroups"] = new JsonArray(group),
                    ["apiVersions"] = new JsonArray("*"),
                    ["operations"] = new JsonArray("CREATE", "UPDATE"),
                    ["resources"] = new JsonArray(resource),
                }
            ),
        };
        await CreateAsync(_kind, Policies, spec);
        binding["policyName"] = _name;
        await CreateAsync($"{_kind}Binding", Bindings, binding);
    }

    private Task<object> CreateAsync(string kind, string plural, JsonObject spec) =>
        _client.CustomObjects.CreateClusterCustomObjectAsync(
            new JsonObject
            {
                ["apiVersion"] = $"{Group}/v1",
                ["kind"] = kind,
                ["metadata"] = new JsonObject { ["name"] = _name },
                ["spec"] = spec,
            },
            Group,
            "v1",
            plural,
            cancellationToken: Token
        );
}
