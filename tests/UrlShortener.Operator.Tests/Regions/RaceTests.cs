using k8s;
using k8s.Models;
using Microsoft.AspNetCore.Http;
using UrlShortener.Operator.Apply;
using Xunit;

namespace UrlShortener.Operator.Tests.Regions;

/// <summary>Changes by other clients at the worst moment: between two requests of one write of the operator.</summary>
public sealed class RaceTests(ApiServerFixture apiServer, StoresFixture stores) : RegionTest(apiServer, stores)
{
    /// <summary>The operator must not take such a change for one that the cluster makes to every write, because it accepts those for an hour.</summary>
    [Fact]
    public async Task Object_ChangedDuringAWriteOfTheOperator_IsReverted()
    {
        await StartWithFakePodsAsync(hasOperator: false);
        string? former = null;
        var (isDue, isEdited) = (true, false);
        ApiProxy? proxy = null;
        await using var started = proxy = await ApiProxy.StartAsync(Lab.Cluster, EditBeforeApplyAsync);
        await using var @operator = await TestOperator.StartAsync(() => new KubernetesClientConfiguration { Host = proxy.Address }, Lab.Namespace);
        await Lab.Client.CreateAsync(Lab.Region());
        await Eventually.HoldsAsync(async () => await ReadServiceAsync() is not null, "the Service is made");

        // A merge cannot undo this edit, so the operator replaces the list and then applies the object.
        await PatchAsync("""{ "spec": { "ports": [{ "name": "http", "port": 81, "targetPort": "http" }] } }""");

        await Eventually.HoldsAsync(
            async () => isEdited && await ReadServiceAsync() is { Spec: { PublishNotReadyAddresses: not true, Ports: [{ Port: 80 }] } },
            () => $"both edits are reverted; the second one was made: {isEdited}"
        );
        Assert.DoesNotContain(
            (await Lab.Client.EventsV1.ListNamespacedEventAsync(Lab.Namespace, cancellationToken: Token)).Items,
            entry => entry.Reason == "Contested"
        );

        // The edit comes after the operator has replaced the list, and before it applies the object.
        async Task EditBeforeApplyAsync(HttpRequest request, string body)
        {
            if (request.Method != HttpMethods.Patch || !request.Path.Value!.EndsWith("/services/eu-app", StringComparison.Ordinal))
                return;
            var isAfterRepair = former == FieldManagers.Repair;
            former = request.Query["fieldManager"];
            if (!isAfterRepair || former != FieldManagers.Operator || !isDue)
                return;
            isDue = false;
            // A field that the apply does not set, so that it stays.
            var edited = await PatchAsync("""{ "spec": { "publishNotReadyAddresses": true } }""");
            // With an older object in its cache the operator would look again, and would find the change by accident.
            await proxy!.HasSentAsync(edited.Metadata.ResourceVersion);
            isEdited = true;
        }
    }

    private async Task<V1Service?> ReadServiceAsync() =>
        (
            await Lab.Client.CoreV1.ListNamespacedServiceAsync(Lab.Namespace, fieldSelector: "metadata.name=eu-app", cancellationToken: Token)
        ).Items.SingleOrDefault();

    private Task<V1Service> PatchAsync(string patch) =>
        Lab.Client.CoreV1.PatchNamespacedServiceAsync(
            new V1Patch(patch, V1Patch.PatchType.MergePatch),
            "eu-app",
            Lab.Namespace,
            fieldManager: "kubectl-edit",
            cancellationToken: Token
        );
}
