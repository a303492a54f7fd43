using System.Security.Cryptography;

namespace UrlShortener.Operator.Apply;

/// <summary>Passwords that the operator makes.</summary>
internal static class Passwords
{
    // Needs no quotes anywhere.
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    private const int Length = 40;

    /// <summary>A new password.</summary>
    public static string Create() => RandomNumberGenerator.GetString(Alphabet, Length);
}
