using System.Text;
using k8s.Models;
using Npgsql;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.ControllerRuntime.Events;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Certificates;
using UrlShortener.Operator.Clusters;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Pods;

namespace UrlShortener.Operator.Postgres;

/// <summary>
/// Creates what the app needs to connect: a password, its roles and its database on the primary, and the Secret with the connection string. Replaces the
/// password, and ends the former one.
/// </summary>
internal sealed class PostgresProvisioner(ResourceClient client, RemoteRegions remotes, EventRecorder events)
{
    /// <summary>Creates the Secret with the app's password if there is none, or none of use.</summary>
    /// <returns>Why that is not possible; null: the Secret exists.</returns>
    public async Task<Obstacle?> EnsurePasswordAsync(V1Alpha1ShortenerRegion region, CancellationToken cancellationToken) =>
        (await ReadPasswordAsync(region, cancellationToken)).Obstacle;

    /// <summary>Creates or changes the role and the database on the primary, then the Secret with the connection string.</summary>
    /// <returns>Why that is not possible; null: it is done.</returns>
    public async Task<Obstacle?> ProvisionAsync(
        V1Alpha1ShortenerRegion region,
        V1Pod primary,
        MemberConnections connections,
        CancellationToken cancellationToken
    )
    {
        var (live, credentials, obstacle) = await ReadPasswordAsync(region, cancellationToken);
        if (obstacle is not null)
            return obstacle;
        try
        {
            await using var source = MemberDatabase.Build(primary, connections);
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            var roles = await ReadRolesAsync(connection, cancellationToken);
            var placed = credentials!.Place(roles[credentials.Role], roles[AppCredentials.OtherOf(credentials.Role)]);
            if (placed != credentials)
            {
                await WriteAsync(region, placed, live, cancellationToken);
                events.Record(
                    region,
                    EventSeverity.Normal,
                    "PasswordChanged",
                    "Update",
                    $"Secret {live!.Metadata.Name} had another password than the app's role. It becomes that of role {placed.Role}, until nobody uses the former one."
                );
            }

            credentials = placed;
            await CreateRolesAsync(connection, credentials, roles, cancellationToken);
        }
        catch (Exception error) when (MemberDatabase.IsFailure(error, cancellationToken))
        {
            return new Obstacle(
                Reasons.StoreStarting,
                $"The operator could not create the app's role and database on {primary.Metadata.Name}: {LastWords.Clean(error.Message)}."
            );
        }

        return await WriteConnectionAsync(region, credentials, cancellationToken);
    }

    /// <summary>
    /// Takes the app's password over from the region that this one follows, once the copy of the database accepts it. What the copy does not accept yet would lock
    /// the app out.
    /// </summary>
    /// <param name="region">The region.</param>
    /// <param name="source">The region that it follows.</param>
    /// <param name="leader">The pod whose database is asked.</param>
    /// <param name="connections">Connections to the members.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>The role in the Secrets, null: they do not have it yet; and why they cannot get it, null: nothing prevents it.</returns>
    public async Task<(string? Role, Obstacle? Obstacle)> AdoptAsync(
        V1Alpha1ShortenerRegion region,
        V1Alpha1ShortenerRegion source,
        V1Pod leader,
        MemberConnections connections,
        CancellationToken cancellationToken
    )
    {
        var remote = source.IsRemote ? remotes.Find(source) : null;
        var theirs = source.IsRemote
            ? remote?.Password
            : await client.GetAsync<V1Secret>(new ObjectKey(source.Metadata.NamespaceProperty, PostgresNames.PasswordOf(source)), cancellationToken);
        if (theirs is null || !Owned.IsControlledBy(theirs, remote?.Region ?? source) || AppCredentials.Of(theirs) is not { } credentials)
            return (null, null);
        try
        {
            await using var database = MemberDatabase.Build(leader, connections);
            await using var connection = await database.OpenConnectionAsync(cancellationToken);
            var role = (await ReadRolesAsync(connection, cancellationToken))[credentials.Role];
            if (!role.CanLogIn || !ScramVerifier.Matches(role.Verifier, credentials.Password))
                return (null, null);
        }
        catch (Exception error) when (MemberDatabase.IsFailure(error, cancellationToken))
        {
            return (
                null,
                new Obstacle(Reasons.StoreStarting, $"The operator could not ask {leader.Metadata.Name} for the app's role: {LastWords.Clean(error.Message)}.")
            );
        }

        // The request that it was made for is one of the other region.
        var own = credentials with
        {
            Request = null,
        };
        var name = PostgresNames.PasswordOf(region);
        var live = await client.GetAsync<V1Secret>(new ObjectKey(region.Metadata.NamespaceProperty, name), cancellationToken);
        if (live is not null && !Owned.IsControlledBy(live, region) && !Owned.IsOrphan(live, BuildPassword(region, [])))
            return (null, Applier.NameTaken($"Secret {name}", live));
        if (AppCredentials.Of(live) != own)
        {
            await WriteAsync(region, own, live, cancellationToken);
            events.Record(
                region,
                EventSeverity.Normal,
                "PasswordStored",
                "Update",
                $"Secret {name} has the app's password of region {source.Spec.Region}, whose database this one copies."
            );
        }

        return (own.Role, await WriteConnectionAsync(region, own, cancellationToken));
    }

    /// <summary>Whether the app of a standby region no longer uses the other role; members that do not answer may have connections of it.</summary>
    /// <param name="pods">The members.</param>
    /// <param name="connections">Connections to them.</param>
    /// <param name="role">The role that it is to use.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public static async Task<bool> IsOnlyRoleAsync(IEnumerable<V1Pod> pods, MemberConnections connections, string role, CancellationToken cancellationToken)
    {
        var former = AppCredentials.OtherOf(role);
        var answers = await Task.WhenAll(pods.Select(pod => FindFormerAsync(pod, connections, former, cancellationToken)));
        return answers.All(answer => answer is not null && answer.Sessions.All(session => session.Application != PasswordRetirement.Application));
    }

    /// <summary>Makes a new password, for the other role. Does nothing if the Secret has the one for the request already.</summary>
    /// <returns>Why that is not possible; null: the Secret has it.</returns>
    public async Task<Obstacle?> RotateAsync(V1Alpha1ShortenerRegion region, string request, CancellationToken cancellationToken)
    {
        var (live, credentials, obstacle) = await ReadPasswordAsync(region, cancellationToken);
        if (obstacle is not null || credentials!.Request == request)
            return obstacle;
        var next = new AppCredentials(AppCredentials.OtherOf(credentials.Role), Passwords.Create(), request);
        await WriteAsync(region, next, live, cancellationToken);
        events.Record(
            region,
            EventSeverity.Normal,
            "PasswordRotationStarted",
            "Update",
            $"PostgreSQL gets a new password for the app, that of role {next.Role}. The former one works until no process of the app uses it."
        );
        return null;
    }

    /// <summary>Takes the next step to end the former password.</summary>
    /// <param name="region">The region.</param>
    /// <param name="observed">The observed state.</param>
    /// <param name="connections">Connections to the members.</param>
    /// <param name="members">Names of all members.</param>
    /// <param name="isStrict">Whether members that do not answer count.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <returns>What it waits for; null: nothing is left of the former password.</returns>
    public async Task<string?> RetireAsync(
        V1Alpha1ShortenerRegion region,
        ObservedPostgres observed,
        MemberConnections connections,
        IEnumerable<string> members,
        bool isStrict,
        CancellationToken cancellationToken
    )
    {
        var (_, credentials, obstacle) = await ReadPasswordAsync(region, cancellationToken);
        if (obstacle is not null || observed.Primary is not { } primary)
            return obstacle?.Message.TrimEnd('.') ?? "Waiting for a primary";
        if (GroupPlace.FindBehind(region, observed, credentials!.Role) is { } behind)
            return $"Waiting for the app of region {behind}, which may use the former password";
        var former = AppCredentials.OtherOf(credentials.Role);
        var answers = await Task.WhenAll(
            members.Select(async name => (Name: name, Answer: await FindFormerAsync(observed.PodOf(name), connections, former, cancellationToken)))
        );
        switch (PasswordRetirement.Next(primary.Name, answers.ToDictionary(member => member.Name, member => member.Answer), isStrict, observed.AppPods))
        {
            case PasswordRetirement.Wait wait:
                return wait.For;
            case PasswordRetirement.Refuse:
                return await TryAtAsync(observed.PodOf(primary.Name)!, connections, $"ALTER ROLE {former} NOLOGIN PASSWORD NULL", cancellationToken)
                    ?? "The former password is refused now; the members are asked for connections that are left";
            case PasswordRetirement.End end:
                foreach (var name in end.Members)
                {
                    await TryAtAsync(
                        observed.PodOf(name)!,
                        connections,
                        $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{former}'",
                        cancellationToken
                    );
                }

                return $"Ending connections with the former password at {string.Join(", ", end.Members)}";
            default:
                return null;
        }
    }

    /// <summary>The connection string of the app.</summary>
    public static string BuildConnection(V1Alpha1ShortenerRegion region, AppCredentials credentials) =>
        new NpgsqlConnectionStringBuilder
        {
            Host = string.Join(',', Enumerable.Range(0, region.Spec.Postgres!.Instances).Select(ordinal => PostgresNames.HostOf(region, ordinal))),
            Port = PostgresNames.Port,
            Username = credentials.Role,
            Password = credentials.Password,
            Database = PostgresNames.Database,
            ApplicationName = PasswordRetirement.Application,
            SslMode = SslMode.VerifyFull,
            RootCertificate = $"{RuntimeEnvironment.PostgresFolder}/{CertificateData.Bundle}",
        }.ConnectionString;

    // What the Secret says, or else the connection of the app, or else a new password.
    private async Task<(V1Secret? Secret, AppCredentials? Credentials, Obstacle? Obstacle)> ReadPasswordAsync(
        V1Alpha1ShortenerRegion region,
        CancellationToken cancellationToken
    )
    {
        var name = PostgresNames.PasswordOf(region);
        var live = await client.GetAsync<V1Secret>(new ObjectKey(region.Metadata.NamespaceProperty, name), cancellationToken);
        if (live is not null && !Owned.IsControlledBy(live, region) && !Owned.IsOrphan(live, BuildPassword(region, [])))
            return (live, null, Applier.NameTaken($"Secret {name}", live));
        if (AppCredentials.Of(live) is { } credentials)
            return (live, credentials, null);
        var connection = await client.GetAsync<V1Secret>(
            new ObjectKey(region.Metadata.NamespaceProperty, StoreConnections.PostgresOf(region)!.Name),
            cancellationToken
        );
        var known =
            connection is not null && Owned.IsControlledBy(connection, region)
                ? AppCredentials.OfConnection(
                    SecretText.In(connection.Data, ConnectionSecretRef.DefaultKey),
                    SecretText.In(connection.Data, PasswordRotation.RequestKey)
                )
                : null;
        credentials = known ?? new AppCredentials(AppCredentials.First, Passwords.Create(), null);
        var written = await WriteAsync(region, credentials, live, cancellationToken);
        if (known is null)
            events.Record(region, EventSeverity.Normal, "PasswordCreated", "Create", $"Created a password for the app in Secret {name}.");
        else
            events.Record(region, EventSeverity.Normal, "PasswordStored", "Update", $"Secret {name} was deleted or spoilt, and has the app's password again.");
        return (written, credentials, null);
    }

    private async Task<V1Secret> WriteAsync(V1Alpha1ShortenerRegion region, AppCredentials credentials, V1Secret? live, CancellationToken cancellationToken)
    {
        var wanted = BuildPassword(region, credentials.Build());
        if (live is null)
            return await client.CreateAsync(wanted, FieldManagers.Operator, cancellationToken);
        // Nobody else may have changed it meanwhile: a password that a server already has must not be lost.
        wanted.Metadata.ResourceVersion = live.Metadata.ResourceVersion;
        return await client.ApplyAsync(wanted, FieldManagers.Operator, force: true, cancellationToken);
    }

    private static V1Secret BuildPassword(V1Alpha1ShortenerRegion region, Dictionary<string, byte[]> data) =>
        new()
        {
            Metadata = Owned.Metadata(region, $"{PostgresNames.Component}-app", PostgresNames.Component),
            Type = "Opaque",
            Data = data,
        };

    private async Task<Obstacle?> WriteConnectionAsync(V1Alpha1ShortenerRegion region, AppCredentials credentials, CancellationToken cancellationToken)
    {
        var reference = StoreConnections.PostgresOf(region)!;
        var wanted = new V1Secret
        {
            Metadata = Owned.Metadata(region, $"{Names.Postgres}-connection", PostgresNames.Component),
            Type = "Opaque",
            Data = new Dictionary<string, byte[]> { [ConnectionSecretRef.DefaultKey] = Encoding.UTF8.GetBytes(BuildConnection(region, credentials)) },
        };
        // Whoever has lost the other Secret knows from it whether the rotation has come this far.
        if (credentials.Request is not null)
            wanted.Data[PasswordRotation.RequestKey] = Encoding.UTF8.GetBytes(credentials.Request);
        var live = await client.GetAsync<V1Secret>(new ObjectKey(region.Metadata.NamespaceProperty, reference.Name), cancellationToken);
        if (live is not null && !Owned.IsControlledBy(live, region) && !Owned.IsOrphan(live, wanted))
            return Applier.NameTaken($"Secret {reference.Name}", live);
        if (
            live is not null
            && Owned.IsControlledBy(live, region)
            && SecretText.In(live.Data, ConnectionSecretRef.DefaultKey) == SecretText.In(wanted.Data, ConnectionSecretRef.DefaultKey)
            && SecretText.In(live.Data, PasswordRotation.RequestKey) == credentials.Request
        )
            return null;

        await client.ApplyAsync(wanted, FieldManagers.Operator, force: true, cancellationToken);
        events.Record(region, EventSeverity.Normal, "ConnectionWritten", "Update", $"Wrote the app's connection to PostgreSQL into Secret {reference.Name}.");
        return null;
    }

    private static async Task<IReadOnlyDictionary<string, AppRole>> ReadRolesAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var roles = new Dictionary<string, AppRole>(StringComparer.Ordinal)
        {
            [AppCredentials.First] = AppRole.Missing,
            [AppCredentials.Second] = AppRole.Missing,
        };
        await using var command = new NpgsqlCommand(
            $"SELECT rolname::text, rolcanlogin, rolpassword FROM pg_authid WHERE rolname IN ('{AppCredentials.First}', '{AppCredentials.Second}')",
            connection
        );
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
            roles[reader.GetString(0)] = new AppRole(reader.GetBoolean(1), await reader.IsDBNullAsync(2, cancellationToken) ? null : reader.GetString(2));
        return roles;
    }

    private static async Task CreateRolesAsync(
        NpgsqlConnection connection,
        AppCredentials credentials,
        IReadOnlyDictionary<string, AppRole> roles,
        CancellationToken cancellationToken
    )
    {
        var (first, second) = (AppCredentials.First, AppCredentials.Second);
        if (!await ExistsAsync(connection, "SELECT 1 FROM pg_roles WHERE rolname = $1", first, cancellationToken))
            await RunAsync(connection, $"CREATE ROLE {first} NOLOGIN", cancellationToken);
        if (credentials.Role == second)
        {
            if (!await ExistsAsync(connection, "SELECT 1 FROM pg_roles WHERE rolname = $1", second, cancellationToken))
                await RunAsync(connection, $"CREATE ROLE {second} NOLOGIN", cancellationToken);
            await RunAsync(connection, $"GRANT {first} TO {second}", cancellationToken);
            // What it creates belongs to the first one.
            await RunAsync(connection, $"ALTER ROLE {second} SET role = '{first}'", cancellationToken);
        }

        // A process that asked for less would lose acknowledged writes in a failover.
        await RunAsync(connection, $"ALTER ROLE {credentials.Role} SET synchronous_commit = 'on'", cancellationToken);
        if (!(roles[credentials.Role] is { CanLogIn: true } role && ScramVerifier.Matches(role.Verifier, credentials.Password)))
            await RunAsync(connection, $"ALTER ROLE {credentials.Role} LOGIN PASSWORD '{ScramVerifier.Of(credentials.Password)}'", cancellationToken);
        if (!await ExistsAsync(connection, "SELECT 1 FROM pg_database WHERE datname = $1", PostgresNames.Database, cancellationToken))
            await RunAsync(connection, $"CREATE DATABASE {PostgresNames.Database} OWNER {first}", cancellationToken);
        await RunAsync(connection, $"REVOKE ALL ON DATABASE {PostgresNames.Database} FROM PUBLIC", cancellationToken);
    }

    // Null: the member does not answer.
    private static async Task<FormerRole?> FindFormerAsync(V1Pod? pod, MemberConnections connections, string role, CancellationToken cancellationToken)
    {
        if (pod?.Status?.PodIP is not { Length: > 0 })
            return null;
        try
        {
            await using var source = MemberDatabase.Build(pod, connections);
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            var canLogIn = await ExistsAsync(connection, "SELECT 1 FROM pg_roles WHERE rolcanlogin AND rolname = $1", role, cancellationToken);
            await using var command = new NpgsqlCommand(
                """
                SELECT coalesce(host(client_addr), ''), coalesce(application_name, ''), count(*) FROM pg_stat_activity WHERE usename = $1 GROUP BY 1, 2
                """,
                connection
            )
            {
                Parameters = { new NpgsqlParameter { Value = role } },
            };
            var sessions = new List<FormerSession>();
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
                sessions.Add(new FormerSession(reader.GetString(0), reader.GetString(1), reader.GetInt64(2)));
            return new FormerRole(canLogIn, sessions);
        }
        catch (Exception error) when (MemberDatabase.IsFailure(error, cancellationToken))
        {
            return null;
        }
    }

    // Why it failed; null: it did not.
    private static async Task<string?> TryAtAsync(V1Pod pod, MemberConnections connections, string statement, CancellationToken cancellationToken)
    {
        try
        {
            await using var source = MemberDatabase.Build(pod, connections);
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            await RunAsync(connection, statement, cancellationToken);
            return null;
        }
        catch (Exception error) when (MemberDatabase.IsFailure(error, cancellationToken))
        {
            return $"{pod.Metadata.Name} could not end the former password: {LastWords.Clean(error.Message)}";
        }
    }

    private static async Task<bool> ExistsAsync(NpgsqlConnection connection, string query, string name, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(query, connection) { Parameters = { new NpgsqlParameter { Value = name } } };
        return await command.ExecuteScalarAsync(cancellationToken) is not null;
    }

    private static async Task RunAsync(NpgsqlConnection connection, string statement, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(statement, connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
