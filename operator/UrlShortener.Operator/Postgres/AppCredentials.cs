using System.Diagnostics.CodeAnalysis;
using System.Text;
using k8s.Models;
using Npgsql;
using UrlShortener.Operator.Apply;

namespace UrlShortener.Operator.Postgres;

/// <summary>
/// How the app logs in. Two roles take turns: a new password is that of the other role, so that the former one works until every process has the new one. The
/// first role owns the database; the second one is a member of it and acts as it. Pure.
/// </summary>
/// <param name="Role">The role.</param>
/// <param name="Password">Its password.</param>
/// <param name="Request">The request that the password was made for; null: none.</param>
internal sealed record AppCredentials(string Role, string Password, string? Request)
{
    /// <summary>The role that owns the database.</summary>
    public const string First = PostgresNames.Database;

    /// <summary>The other one.</summary>
    public const string Second = $"{First}_2";

    /// <summary>Key of the Secret: the role.</summary>
    public const string RoleKey = "username";

    /// <summary>Key of the Secret: the password.</summary>
    public const string PasswordKey = "password";

    private const int MaxPassword = 256;

    /// <summary>The role whose turn is next.</summary>
    public static string OtherOf(string role) => role == First ? Second : First;

    /// <summary>The credentials in a Secret; null: they are not complete, or of no use, such as another role or a password with a line break.</summary>
    public static AppCredentials? Of(V1Secret? secret) =>
        Of(SecretText.In(secret?.Data, RoleKey), SecretText.In(secret?.Data, PasswordKey), SecretText.In(secret?.Data, PasswordRotation.RequestKey));

    /// <summary>The credentials in a connection string; null: none of use.</summary>
    /// <param name="text">The connection string.</param>
    /// <param name="request">The request that the password was made for; null: none.</param>
    public static AppCredentials? OfConnection(string? text, string? request)
    {
        try
        {
            return new NpgsqlConnectionStringBuilder(text) is var builder ? Of(builder.Username, builder.Password, request) : null;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    /// <summary>The data of the Secret.</summary>
    public Dictionary<string, byte[]> Build()
    {
        var data = new Dictionary<string, byte[]> { [RoleKey] = Encoding.ASCII.GetBytes(Role), [PasswordKey] = Encoding.ASCII.GetBytes(Password) };
        if (Request is not null)
            data[PasswordRotation.RequestKey] = Encoding.UTF8.GetBytes(Request);
        return data;
    }

    /// <summary>
    /// The credentials to use, given what the server has: a password that somebody changed, or that was lost, must not replace the one with which processes are
    /// connected. It becomes that of the other role, if nobody uses that one.
    /// </summary>
    /// <param name="own">The role on the server.</param>
    /// <param name="other">The other one on the server.</param>
    public AppCredentials Place(AppRole own, AppRole other) =>
        own.CanLogIn && !other.CanLogIn && !ScramVerifier.Matches(own.Verifier, Password) ? this with { Role = OtherOf(Role) } : this;

    /// <summary>Without the password.</summary>
    public override string ToString() => $"{Role}, {Request}";

    private static AppCredentials? Of(string? role, string? password, string? request) =>
        role is First or Second && IsOfUse(password) ? new AppCredentials(role, password, request is { Length: > 0 } ? request : null) : null;

    // A verifier can be computed of ASCII characters only.
    private static bool IsOfUse([NotNullWhen(true)] string? password) =>
        password is { Length: > 0 and <= MaxPassword } && password.All(one => one is > ' ' and <= '~');
}

/// <summary>A role as a server has it.</summary>
/// <param name="CanLogIn">Whether it exists and may log in.</param>
/// <param name="Verifier">Its stored password; null: none.</param>
internal sealed record AppRole(bool CanLogIn, string? Verifier)
{
    /// <summary>It does not exist.</summary>
    public static readonly AppRole Missing = new(false, null);
}
