using System.Buffers.Text;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using UrlShortener.Runtime.Users;

namespace UrlShortener.Runtime.Access;

/// <summary>
/// The user that a valid token names: an email address, or the reason why there is none. Read from the JSON of the token. The token library's list of claims
/// does not distinguish an array from its first entry, a number from its text, or a duplicate claim.
/// </summary>
/// <param name="Email">The address in the form of <see cref="EmailAddress"/>; null: refused.</param>
/// <param name="Refusal">A sentence for the caller; null: there is an address.</param>
internal sealed record TokenIdentity(string? Email, string? Refusal)
{
    private const string VerifiedClaim = "email_verified";

    // A duplicate claim is an error: readers that pick one of the two values disagree about which.
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>Reads the identity from a token whose signature, issuer, audience and lifetime were validated.</summary>
    /// <param name="token">The token.</param>
    /// <param name="emailClaim">Claim that holds the email address.</param>
    public static TokenIdentity Of(JsonWebToken token, string emailClaim)
    {
        try
        {
            return Of(Base64Url.DecodeFromChars(token.EncodedPayload), emailClaim);
        }
        catch (FormatException)
        {
            return Refuse("The payload of the Bearer token is not valid base64url.");
        }
    }

    /// <summary>Reads the identity from the payload of a token.</summary>
    public static TokenIdentity Of(ReadOnlyMemory<byte> payload, string emailClaim)
    {
        try
        {
            using var document = JsonDocument.Parse(payload, Strict);
            return Of(document.RootElement, emailClaim);
        }
        catch (JsonException)
        {
            return Refuse("The payload of the Bearer token is not valid JSON, or holds a claim twice.");
        }
        // The string contains half of a surrogate pair.
        catch (InvalidOperationException)
        {
            return Refuse($"The claim {emailClaim} of the Bearer token holds text that is not valid Unicode.");
        }
    }

    private static TokenIdentity Of(JsonElement claims, string emailClaim)
    {
        if (claims.ValueKind != JsonValueKind.Object || !claims.TryGetProperty(emailClaim, out var claim))
            return Refuse($"The Bearer token has no claim {emailClaim}. Ask its issuer for a token with that claim.");
        if (claim.ValueKind != JsonValueKind.String)
            return Refuse($"The claim {emailClaim} of the Bearer token must be one string.");
        if (!EmailAddress.TryRead(claim.GetString(), out var email))
            return Refuse(
                $"The claim {emailClaim} of the Bearer token must be an email address of printable ASCII characters, at most {EmailAddress.MaxLength}, "
                    + "without blanks."
            );
        return claims.TryGetProperty(VerifiedClaim, out var verified) && !IsTrue(verified)
            ? Refuse($"The claim {VerifiedClaim} of the Bearer token is not true. Verify the address with the issuer, then get a new token.")
            : new TokenIdentity(email, null);
    }

    // Some issuers write the value as a string (Amazon Cognito among them). Only the exact string "true" counts.
    private static bool IsTrue(JsonElement value) =>
        value.ValueKind == JsonValueKind.True || (value.ValueKind == JsonValueKind.String && value.ValueEquals("true"));

    private static TokenIdentity Refuse(string reason) => new(null, reason);
}
