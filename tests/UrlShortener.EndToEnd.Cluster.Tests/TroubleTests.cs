using System.Text.Json.Nodes;
using Xunit;

namespace UrlShortener.EndToEnd.Cluster.Tests;

/// <summary>What goes wrong in a cluster by a careless edit: the cause is told, visitors notice nothing, and what was wrong is mended by itself or by its
/// correction.</summary>
public sealed class TroubleTests(InstalledProduct product) : ClusterTest(product)
{
    private const string Service = $"service/{InstalledProduct.Region}-app";

    [Fact]
    public async Task Image_ThatDoesNotExist_IsToldWhileOldPodsServe()
    {
        Product.AssertInstalled();
        await using var visitors = await StartVisitorsAsync();

        await SetImageAsync($"{Product.Settings.RuntimeImage}-that-does-not-exist");
        Assert.NotEqual("True", await StatusOfReadyAsync());
        await UntilAsync(async () => (await MessageOfAsync("Stalled")).Contains("-that-does-not-exist", StringComparison.Ordinal), "the image is named");
        await SetImageAsync(Product.Settings.RuntimeImage);
        await Product.WaitUntilReadyAsync(InstalledProduct.Namespace);

        await AssertAllRedirectedAsync(visitors);
    }

    [Fact]
    public async Task Port_OfTheService_Edited_IsPutBack()
    {
        Product.AssertInstalled();

        await Kubectl.PatchAsync(Service, InstalledProduct.Namespace, """{"spec":{"ports":[{"name":"http","port":81,"targetPort":"http"}]}}""", Token);
        await UntilAsync(
            async () =>
                (await Kubectl.GetAsync(Service, InstalledProduct.Namespace, Token))["spec"]!["ports"]!.AsArray() is [{ } port] && (int?)port["port"] == 80,
            "port 80 is the only one again"
        );

        await Product.WaitUntilReadyAsync(InstalledProduct.Namespace);
    }

    [Fact]
    public async Task Selector_OfTheService_Narrowed_IsPutBack()
    {
        Product.AssertInstalled();

        await Kubectl.PatchAsync(Service, InstalledProduct.Namespace, """{"spec":{"selector":{"version":"v2"}}}""", Token);
        await UntilAsync(
            async () => (await Kubectl.GetAsync(Service, InstalledProduct.Namespace, Token))["spec"]!["selector"]!["version"] is null,
            "the selector is as it was"
        );

        using var http = (await Product.Access.OpenAsync(InstalledProduct.Namespace))();
        await CreateLinkAsync(http);
    }

    [Fact]
    public async Task Region_WithAHigherPriorityThatCannotRun_TakesNoRoleAndSaysWhy()
    {
        Product.AssertInstalled();
        const string Thief = "shortenerregion/thief";
        try
        {
            await Kubectl.ApplyAsync(Product.ReadRegion("thief", priority: 90), InstalledProduct.Namespace, Token);
            await UntilAsync(async () => (await MessageOfAsync("Stalled", Thief)).Contains("thief-postgres", StringComparison.Ordinal), "the Secret is named");
            Assert.Equal("Primary", await RoleOfAsync(Region));

            await Product.CreateConnectionsAsync(InstalledProduct.Namespace, "thief", "absent", 2);
            await UntilAsync(
                async () => (await MessageOfAsync("Stalled", Thief)).Contains("database \"absent\" does not exist", StringComparison.Ordinal),
                "the database is named"
            );
            Assert.Equal("Primary", await RoleOfAsync(Region));

            await Product.CreateDatabaseAsync("absent");
            await Kubectl.RunAsync($"wait --namespace {InstalledProduct.Namespace} --for=condition=Ready {Thief} --timeout=240s", Token);
            Assert.Equal(("Primary", "Standby"), (await RoleOfAsync(Region), await RoleOfAsync(Thief)));
        }
        finally
        {
            await Kubectl.TryAsync($"delete {Thief} --namespace {InstalledProduct.Namespace} --timeout=120s", CancellationToken.None);
        }

        await Product.WaitUntilReadyAsync(InstalledProduct.Namespace);
    }

    private Task SetImageAsync(string image) =>
        Kubectl.PatchAsync(Region, InstalledProduct.Namespace, $$""" { "spec": { "app": { "image": "{{image}}" } } } """, Token);

    // Right after a change: the status may be that of before, and then describes an older generation.
    private async Task<string> StatusOfReadyAsync()
    {
        var region = await Kubectl.GetAsync(Region, InstalledProduct.Namespace, Token);
        var ready = ConditionOf(region, "Ready");
        return (long?)ready?["observedGeneration"] == (long?)region["metadata"]!["generation"] ? (string?)ready?["status"] ?? "" : "Unknown";
    }

    private async Task<string> MessageOfAsync(string type, string what = Region)
    {
        var condition = ConditionOf(await Kubectl.GetAsync(what, InstalledProduct.Namespace, Token), type);
        return (string?)condition?["status"] == "True" ? (string?)condition?["message"] ?? "" : "";
    }

    private async Task<string?> RoleOfAsync(string what) => (string?)(await Kubectl.GetAsync(what, InstalledProduct.Namespace, Token))["status"]?["role"];

    private static JsonNode? ConditionOf(JsonNode region, string type) =>
        region["status"]?["conditions"]?.AsArray().FirstOrDefault(condition => (string?)condition!["type"] == type);
}
