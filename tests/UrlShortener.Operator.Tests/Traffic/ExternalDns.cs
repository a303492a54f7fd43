using System.Net;
using System.Text.Json.Nodes;
using k8s;
using k8s.Autorest;
using k8s.Models;
using UrlShortener.Operator.Tests.Regions;

namespace UrlShortener.Operator.Tests.Traffic;

/// <summary>
/// Does what external-dns does with its source crd and the policy upsert-only: publishes the DNSEndpoints of a namespace at a server, and writes which
/// generation it has seen.
/// </summary>
internal sealed class ExternalDns : IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);

    private readonly RegionLab _lab;
    private readonly DnsAuthority _authority;
    private readonly CancellationTokenSource _end = new();
    private readonly Dictionary<string, IReadOnlyList<(IPAddress Address, int Ttl)>> _zone = [];
    private readonly Task _running;

    public ExternalDns(RegionLab lab, DnsAuthority authority)
    {
        (_lab, _authority) = (lab, authority);
        _running = RunAsync();
    }

    /// <summary>How many records without a target it has seen.</summary>
    public int EmptyRecords { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _running;
        _end.Dispose();
    }

    private async Task RunAsync()
    {
        using var timer = new PeriodicTimer(Interval);
        try
        {
            do
            {
                try
                {
                    await SyncAsync();
                }
                catch (HttpOperationException missing) when (missing.Response.StatusCode is HttpStatusCode.NotFound or HttpStatusCode.TooManyRequests)
                {
                    // The kind, or an object that was there a moment ago; or the kind has just come back.
                }
            } while (await timer.WaitForNextTickAsync(_end.Token));
        }
        catch (OperationCanceledException)
        {
            // The end of the test.
        }
    }

    private async Task SyncAsync()
    {
        var custom = _lab.Client.CustomObjects;
        var list = KubernetesObjects.Parse(
            await custom.ListNamespacedCustomObjectAsync("externaldns.k8s.io", "v1alpha1", _lab.Namespace, "dnsendpoints", cancellationToken: _end.Token)
        );
        var items = list["items"]!.AsArray().OfType<JsonObject>().ToList();
        var records = items
            .SelectMany(item => (item["spec"]?["endpoints"] as JsonArray ?? []).OfType<JsonObject>())
            .Select(endpoint => (Name: (string)endpoint["dnsName"]!, Ttl: (int)endpoint["recordTTL"]!, Targets: endpoint["targets"]!.AsArray()))
            .ToList();
        EmptyRecords += records.Count(record => record.Targets.Count == 0);
        foreach (var name in records.GroupBy(record => record.Name))
            _zone[name.Key] = [.. name.SelectMany(record => record.Targets.Select(target => (IPAddress.Parse((string)target!), record.Ttl))).Distinct()];
        _authority.Publish(_zone.ToDictionary());
        foreach (var item in items.Where(item => (long?)item["status"]?["observedGeneration"] != (long)item["metadata"]!["generation"]!))
            await custom.PatchNamespacedCustomObjectStatusAsync(
                new V1Patch($$"""{ "status": { "observedGeneration": {{(long)item["metadata"]!["generation"]!}} } }""", V1Patch.PatchType.MergePatch),
                "externaldns.k8s.io",
                "v1alpha1",
                _lab.Namespace,
                "dnsendpoints",
                (string)item["metadata"]!["name"]!,
                cancellationToken: _end.Token
            );
    }
}
