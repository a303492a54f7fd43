using System.Diagnostics;
using k8s;
using k8s.Models;
using Npgsql;
using UrlShortener.Operator.Postgres;
using UrlShortener.Operator.Tests.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.Postgres;

/// <summary>A new password while links are created through the app, on real servers.</summary>
public sealed class PasswordRotationTests(ApiServerFixture apiServer, StoresFixture stores) : RegionTest(apiServer, stores)
{
    // Nobody waits: new connections are made beside the former ones. On a busy machine a request may reach the client's limit of 20 s.
    private static readonly TimeSpan LongestGap = TimeSpan.FromSeconds(45);

    private PostgresMembers Members => new(Lab);

    [Fact]
    public async Task Password_RotatedEditedAndDeleted_IsTakenWithoutARestartAndNoLinkIsLost()
    {
        await StartAsync(programs: await Availability.OrSkipAsync(StorePrograms.FindAsync(Token)));
        await Lab.Client.CreateAsync(Lab.Region(patch: PostgresMembers.Patch));
        await Members.UntilWholeAsync();
        await Lab.UntilAsync("Ready", "True");
        await Lab.UntilAsync("PostgresPasswordCurrent", "True");
        var first = await ReadAsync();
        var processes = await ReadProcessesAsync();
        var service = await Lab.OpenServiceAsync();
        using var http = RegionLab.NewHttp(service);
        await using var writer = new LinkWriter(http);
        var began = Stopwatch.GetTimestamp();

        // The operator dies as soon as the new password is in the Secret; another one ends what it began.
        await Lab.AnnotateAsync("urlshortener.dev/rotate-passwords", "1");
        await Eventually.HoldsAsync(async () => (await ReadAsync())?.Role == AppCredentials.Second, () => "a new password is made");
        await Lab.Operator.StopAsync();
        await Lab.StartOperatorAsync();
        await UntilDoneAsync("1");
        var second = await ReadAsync();
        Assert.NotEqual(first!.Password, second!.Password);
        // Replicas refuse it as soon as they have replayed that the primary does.
        await Eventually.HoldsAsync(async () => await IsGoneAsync(second, first), () => "all members refuse the first password");
        await AssertOnlyAsync(second, first);

        // Somebody writes a password of his own.
        await PatchAsync(new { data = new { password = Convert.ToBase64String("chosen-by-hand-17"u8) } });
        await Eventually.HoldsAsync(async () => (await ReadAsync())?.Role == AppCredentials.First, () => "it is moved to the other role");
        var third = await ReadAsync();
        Assert.Equal("chosen-by-hand-17", third!.Password);
        // The condition may be one of before the edit.
        await Eventually.HoldsAsync(async () => await IsGoneAsync(third, second), () => "all members refuse the former password");
        await Lab.UntilAsync("PostgresPasswordCurrent", "True");
        await AssertOnlyAsync(third, second);

        // A Secret that is gone comes back as it was, and the same request does not run again.
        await Lab.Client.CoreV1.DeleteNamespacedSecretAsync("eu-postgres-app", Lab.Namespace, cancellationToken: Token);
        await Eventually.HoldsAsync(async () => (await ReadAsync())?.Password == third.Password, () => "the Secret is back");
        await Lab.UntilAsync("PostgresPasswordCurrent", "True");
        Assert.Equal("1", (await Lab.ReadAsync()).Status!.Postgres!.PasswordRotation!.Request);
        Assert.True(await LogsInAsync(third));

        var acknowledged = await writer.StopAsync();
        Assert.True(writer.LongestGapSince(began) < writer.Allow(LongestGap), $"{writer.LongestGapSince(began)}");
        Assert.True(writer.LongestGapOfRedirectsSince(began) < writer.Allow(LongestGap), $"{writer.LongestGapOfRedirectsSince(began)}");
        Assert.Empty(writer.Missed);
        Assert.NotEmpty(acknowledged);
        Assert.Empty(await writer.FindLostAsync());
        Assert.Equal(processes, await ReadProcessesAsync());
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{acknowledged.Count} links; longest time without one {writer.LongestGapSince(began)}, without a redirect {writer.LongestGapOfRedirectsSince(began)}"
        );
    }

    private async Task UntilDoneAsync(string request) =>
        await Eventually.HoldsAsync(
            async () => (await Lab.ReadAsync()).Status?.Postgres?.PasswordRotation is { State: "Done" } done && done.Request == request,
            () => "the status tells that the rotation is done"
        );

    // The former password is refused by every member, and no connection of its role is left.
    private async Task AssertOnlyAsync(AppCredentials current, AppCredentials former)
    {
        Assert.True(await LogsInAsync(current));
        foreach (var member in await Members.ReadPodsAsync())
        {
            await using var source = NpgsqlDataSource.Create(ConnectionTo(member, former));
            var refusal = await Assert.ThrowsAsync<PostgresException>(async () => await source.OpenConnectionAsync(Token));
            Assert.StartsWith("28", refusal.SqlState, StringComparison.Ordinal);
            Assert.Equal(0L, await CountAsync(member, current, former.Role));
        }

        // The app has connections to the primary, and to replicas while it reads from them.
        await Eventually.HoldsAsync(
            async () => (await Task.WhenAll((await Members.ReadPodsAsync()).Select(member => CountAsync(member, current, current.Role)))).Sum() > 0,
            () => "the app is connected with the current password"
        );
    }

    // Whether no member lets the former role in, and none has a connection of it.
    private async Task<bool> IsGoneAsync(AppCredentials current, AppCredentials former)
    {
        foreach (var member in await Members.ReadPodsAsync())
        {
            try
            {
                await using var source = NpgsqlDataSource.Create(ConnectionTo(member, former));
                await using var connection = await source.OpenConnectionAsync(Token);
                return false;
            }
            catch (PostgresException error) when (error.SqlState.StartsWith("28", StringComparison.Ordinal))
            {
                if (await CountAsync(member, current, former.Role) > 0)
                    return false;
            }
        }

        return true;
    }

    private async Task<bool> LogsInAsync(AppCredentials credentials)
    {
        try
        {
            foreach (var member in await Members.ReadPodsAsync())
            {
                await using var source = NpgsqlDataSource.Create(ConnectionTo(member, credentials));
                await using var connection = await source.OpenConnectionAsync(Token);
            }

            return true;
        }
        catch (PostgresException error) when (error.SqlState.StartsWith("28", StringComparison.Ordinal))
        {
            return false;
        }
    }

    // Connections of others are listed for everybody; their statements are not.
    private static async Task<long> CountAsync(V1Pod member, AppCredentials credentials, string role)
    {
        await using var source = NpgsqlDataSource.Create(ConnectionTo(member, credentials));
        await using var command = source.CreateCommand($"SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}' AND pid <> pg_backend_pid()");
        return (long)(await command.ExecuteScalarAsync(Token))!;
    }

    private static string ConnectionTo(V1Pod member, AppCredentials credentials) =>
        new NpgsqlConnectionStringBuilder
        {
            Host = member.Status.PodIP,
            Username = credentials.Role,
            Password = credentials.Password,
            Database = PostgresNames.Database,
            SslMode = SslMode.Require,
            Pooling = false,
            Timeout = 60,
            ApplicationName = "test",
        }.ConnectionString;

    private async Task<AppCredentials?> ReadAsync()
    {
        try
        {
            return AppCredentials.Of(await Lab.Client.CoreV1.ReadNamespacedSecretAsync("eu-postgres-app", Lab.Namespace, cancellationToken: Token));
        }
        catch (k8s.Autorest.HttpOperationException missing) when (missing.Response.StatusCode == System.Net.HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    private Task<V1Secret> PatchAsync(object patch) =>
        Lab.Client.CoreV1.PatchNamespacedSecretAsync(
            new V1Patch(KubernetesJson.Serialize(patch), V1Patch.PatchType.MergePatch),
            "eu-postgres-app",
            Lab.Namespace,
            cancellationToken: Token
        );

    // Members and processes of the app: another container or pod would be another line.
    private async Task<IReadOnlyList<string>> ReadProcessesAsync() =>
        [
            .. (await Lab.Client.CoreV1.ListNamespacedPodAsync(Lab.Namespace, cancellationToken: Token))
                .Items.Where(pod => pod.Status.Phase == "Running")
                .Select(pod => $"{pod.Metadata.Name} {pod.Metadata.Uid} {pod.Status.ContainerStatuses[0].ContainerID}")
                .Order(StringComparer.Ordinal),
        ];
}
