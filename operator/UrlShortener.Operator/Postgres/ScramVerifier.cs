using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace UrlShortener.Operator.Postgres;

/// <summary>
/// The form in which PostgreSQL stores a password (SCRAM-SHA-256, RFC 5803). With it the password itself is in no statement, and so in no log.
/// </summary>
internal static class ScramVerifier
{
    private const int Iterations = 4_096;
    private const int MaxIterations = 100_000;
    private const int SaltLength = 16;

    /// <summary>The verifier of a password of ASCII characters.</summary>
    public static string Of(string password) => Of(password, RandomNumberGenerator.GetBytes(SaltLength), Iterations);

    /// <summary>Whether a verifier is that of a password.</summary>
    /// <param name="verifier">The verifier that PostgreSQL has; null: none.</param>
    /// <param name="password">The password.</param>
    public static bool Matches(string? verifier, string password)
    {
        if (verifier?.Split('$') is not [_, var cost, _] || cost.Split(':') is not [var rounds, var salt])
            return false;
        var bytes = new byte[salt.Length];
        return int.TryParse(rounds, NumberStyles.None, CultureInfo.InvariantCulture, out var iterations)
            && iterations is > 0 and <= MaxIterations
            && Convert.TryFromBase64String(salt, bytes, out var length)
            && verifier == Of(password, bytes[..length], iterations);
    }

    /// <summary>The verifier with a salt and a number of iterations.</summary>
    public static string Of(string password, byte[] salt, int iterations)
    {
        var salted = Rfc2898DeriveBytes.Pbkdf2(Encoding.ASCII.GetBytes(password), salt, iterations, HashAlgorithmName.SHA256, SHA256.HashSizeInBytes);
        var stored = SHA256.HashData(HMACSHA256.HashData(salted, "Client Key"u8));
        var server = HMACSHA256.HashData(salted, "Server Key"u8);
        return $"SCRAM-SHA-256${iterations}:{Convert.ToBase64String(salt)}${Convert.ToBase64String(stored)}:{Convert.ToBase64String(server)}";
    }
}
