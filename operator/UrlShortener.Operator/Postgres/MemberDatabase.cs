using System.Net.Sockets;
using k8s.Models;
using Npgsql;
using UrlShortener.Operator.Apply;

namespace UrlShortener.Operator.Postgres;

/// <summary>Connections to the PostgreSQL of a member as its superuser, by the operator's certificate.</summary>
internal static class MemberDatabase
{
    private const int TimeoutSeconds = 3;

    /// <summary>Connections to a member. They are not pooled.</summary>
    public static NpgsqlDataSource Build(V1Pod pod, MemberConnections connections)
    {
        var builder = new NpgsqlDataSourceBuilder(
            new NpgsqlConnectionStringBuilder
            {
                Host = pod.Status.PodIP,
                Port = PostgresNames.Port,
                Username = PostgresNames.Superuser,
                Database = "postgres",
                SslMode = SslMode.Require,
                Pooling = false,
                Timeout = TimeoutSeconds,
                CommandTimeout = TimeoutSeconds,
                ApplicationName = Labels.Manager,
            }.ConnectionString
        );
        builder.UseSslClientAuthenticationOptionsCallback(options => connections.Configure(options));
        return builder.Build();
    }

    /// <summary>Whether an exception says that a member did not answer, or refused a statement.</summary>
    public static bool IsFailure(Exception error, CancellationToken cancellationToken) =>
        error is NpgsqlException or SocketException or IOException or TimeoutException
        || (error is OperationCanceledException && !cancellationToken.IsCancellationRequested);
}
