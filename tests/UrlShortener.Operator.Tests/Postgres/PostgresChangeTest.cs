using k8s.Models;
using UrlShortener.Operator.Entities.Status;
using UrlShortener.Operator.Tests.Regions;

namespace UrlShortener.Operator.Tests.Postgres;

/// <summary>A test of a PostgreSQL that the operator runs and that is changed while links are created.</summary>
public abstract class PostgresChangeTest(ApiServerFixture apiServer, StoresFixture stores) : RegionTest(apiServer, stores)
{
    private protected PostgresMembers Members => new(Lab);

    private protected async Task UntilWholeAsync()
    {
        await UntilAsync("PostgresUpToDate", "True");
        await Members.UntilWholeAsync();
    }

    private protected async Task UntilAsync(string type, string status)
    {
        V1Condition? found = null;
        await Eventually.HoldsAsync(
            async () =>
            {
                var region = await Lab.ReadAsync();
                found = region.Status?.Conditions?.FirstOrDefault(condition => condition.Type == type);
                return found?.Status == status && found.ObservedGeneration == region.Metadata.Generation;
            },
            () => $"{type} is {status}; it is {found?.Status}, {found?.Reason}: {found?.Message}"
        );
    }

    private protected Task UntilRequestIsAsync(string state)
    {
        PostgresSwitchoverStatus? request = null;
        return Eventually.HoldsAsync(
            async () => (request = (await Lab.ReadAsync()).Status?.Postgres?.Switchover)?.State == state,
            () => $"the request is {state}; it is {request}"
        );
    }

    private protected async Task<(string Primary, int Timeline)> ReadPrimaryAsync()
    {
        var told = await Eventually.ReadAsync(
            async () => (await Lab.ReadAsync()).Status?.Postgres,
            status => status is { Primary: not null, Timeline: not null },
            "the status tells the primary and its timeline"
        );
        return (told!.Primary!, told.Timeline!.Value);
    }
}
