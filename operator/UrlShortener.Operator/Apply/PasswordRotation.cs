using System.Security.Cryptography;
using System.Text;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Status;

namespace UrlShortener.Operator.Apply;

/// <summary>
/// Follows the annotation <see cref="Labels.RotatePasswords"/> for one store. The Secret with the password names the request that the password was made for, and
/// the status the last one that ended, so that none runs twice and an operator that has just started goes on. Pure.
/// </summary>
internal static class PasswordRotation
{
    /// <summary>Key of the Secret with the password: the value of the annotation that the password was made for.</summary>
    public const string RequestKey = "rotation";

    private const int MaxRequest = 80;
    private const int MaxMessage = 480;
    private const int MaxUsers = 3;

    /// <summary>Digest of a request, as the cache has it: caches have no values of Secrets.</summary>
    public static byte[] DigestOf(string request) => SHA256.HashData(Encoding.UTF8.GetBytes(request));

    /// <summary>The value of the annotation; null: none.</summary>
    public static string? RequestOf(V1Alpha1ShortenerRegion region) =>
        Labels.AnnotationOf(region.Metadata, Labels.RotatePasswords) is { Length: > 0 } value ? Texts.Cut(value, MaxRequest) : null;

    /// <summary>What a rotation waits for while some are connected with the former password; null: nobody is.</summary>
    /// <param name="users">Addresses of their connections.</param>
    /// <param name="names">Names of pods by address.</param>
    public static string? WaitFor(IEnumerable<string> users, IReadOnlyDictionary<string, string> names)
    {
        var told = users.Select(address => names.GetValueOrDefault(address, address)).Distinct().Order(StringComparer.Ordinal).ToList();
        var others = told.Count > MaxUsers ? $" and {told.Count - MaxUsers} others" : "";
        return told.Count == 0 ? null : $"Waiting for {string.Join(", ", told.Take(MaxUsers))}{others}, connected with the former password";
    }

    /// <summary>The request for which a new password is to be made now; null: none.</summary>
    /// <param name="former">What the status tells.</param>
    /// <param name="request">The value of the annotation.</param>
    /// <param name="begun">Digest of the request in the Secret; null: none.</param>
    /// <param name="isSettled">Whether only the password in the Secret is valid. Otherwise another rotation has not ended.</param>
    public static string? FindNext(PasswordRotationStatus? former, string? request, byte[]? begun, bool isSettled) =>
        request is not null
        && isSettled
        && !IsBegun(request, begun)
        && !(former is { State: PasswordRotationState.Done } && former.Request == request)
        // The one before is told to be done first.
        && !(former is { State: PasswordRotationState.Started } && IsBegun(former.Request, begun))
            ? request
            : null;

    /// <summary>What the status tells from now on.</summary>
    /// <param name="former">What it tells.</param>
    /// <param name="request">The value of the annotation.</param>
    /// <param name="begun">Digest of the request in the Secret; null: none.</param>
    /// <param name="isSettled">Whether only the password in the Secret is valid.</param>
    /// <param name="waits">What the rotation waits for.</param>
    /// <param name="now">The time.</param>
    public static PasswordRotationStatus? Follow(
        PasswordRotationStatus? former,
        string? request,
        byte[]? begun,
        bool isSettled,
        string? waits,
        DateTimeOffset now
    )
    {
        var current =
            former is { State: PasswordRotationState.Started } && IsBegun(former.Request, begun) ? former.Request
            : request is not null && IsBegun(request, begun) ? request
            // Its Secret was replaced, and nobody asks for it any more.
            : former is { State: PasswordRotationState.Started } && isSettled && request != former.Request ? former.Request
            : null;
        if (current is null || (former is { State: PasswordRotationState.Done } && former.Request == current))
            return former;
        var started = former?.Request == current ? former.StartedAt : StatusTime.Of(now);
        return isSettled
            ? new PasswordRotationStatus
            {
                Request = current,
                State = PasswordRotationState.Done,
                Message = "Only the new password is valid.",
                StartedAt = started,
                FinishedAt = StatusTime.Of(now),
            }
            : new PasswordRotationStatus
            {
                Request = current,
                State = PasswordRotationState.Started,
                Message = Texts.Cut($"{waits ?? "The operator sets the new password"}.", MaxMessage),
                StartedAt = started,
            };
    }

    private static bool IsBegun(string request, byte[]? begun) => begun is not null && begun.AsSpan().SequenceEqual(DigestOf(request));
}
