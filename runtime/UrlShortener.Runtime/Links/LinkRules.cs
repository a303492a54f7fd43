using System.Text.Json;
using UrlShortener.Runtime.Abuse;
using UrlShortener.Runtime.Codes;
using UrlShortener.Runtime.Configuration;
using UrlShortener.Runtime.Http;

namespace UrlShortener.Runtime.Links;

/// <summary>Rules for links: turns the request of a client into a link that can be stored, or into the list of all its errors.</summary>
internal sealed class LinkRules(LinkOptions links, AbuseOptions abuse, BlocklistFile blocklist)
{
    private const int MinDays = 1;
    private const int MaxDays = 3_650;
    private const string ConfusableWarning = "The host mixes or imitates scripts and can be mistaken for another one.";

    private const string NothingToChange =
        "Nothing to change. Give at least one of original_url, expires_at, never_expires, is_active, redirect_type and metadata; a null counts as left out.";

    private readonly TargetPolicy _policy = new(
        links.MaxUrlLength,
        abuse.AllowPrivateHosts,
        new HashSet<string>(links.PublicBaseUrl is null ? links.OwnHosts : [.. links.OwnHosts, links.PublicBaseUrl.IdnHost])
    );

    /// <summary>Checks a link to be created.</summary>
    /// <param name="request">As sent.</param>
    /// <param name="requestHost">Host of the request; a link to it would be a loop.</param>
    /// <param name="now">The time of creation.</param>
    /// <param name="unreadable">Errors of members that could not be read; these are not reported as missing too.</param>
    public Checked<NewLink> Check(CreateLinkRequest request, string requestHost, DateTimeOffset now, IReadOnlyList<FieldError>? unreadable = null)
    {
        var errors = new List<FieldError>();
        var warnings = CheckTarget("original_url", request.OriginalUrl, requestHost, errors);
        CheckAlias(request.CustomAlias, errors);
        if (request.ExpiresInDays is < MinDays or > MaxDays)
            errors.Add(
                new FieldError(
                    "expires_in_days",
                    ErrorCode.InvalidRequest,
                    $"expires_in_days must be from {MinDays} to {MaxDays}; leave it out for a link that never expires."
                )
            );
        var expiresAt = CheckExpiry(request.ExpiresAt, now, errors);
        if (request is { ExpiresAt: not null, ExpiresInDays: not null })
            errors.Add(new FieldError("expires_at", ErrorCode.InvalidRequest, "expires_at and expires_in_days both set the expiry. Give one of them."));
        CheckRedirectType(request.RedirectType, errors);
        var metadata = CheckMetadata(request.Metadata, errors);
        var link = new NewLink(
            request.CustomAlias,
            request.OriginalUrl?.Trim(' ') ?? "",
            request.ExpiresInDays is { } days and >= MinDays and <= MaxDays ? now.AddDays(days) : expiresAt,
            request.RedirectType ?? StatusCodes.Status302Found,
            metadata ?? LinkMetadata.None
        );
        return Checked<NewLink>.Of(link, unreadable, errors, warnings);
    }

    /// <summary>Checks a change.</summary>
    /// <param name="request">As sent.</param>
    /// <param name="cleared">Members that a merge patch (RFC 7396) sets to null: they are removed. In plain JSON, null means that a member is not
    /// given.</param>
    /// <param name="requestHost">See above.</param>
    /// <param name="now">The time of the change.</param>
    /// <param name="unreadable">See above.</param>
    public Checked<LinkChange> Check(
        UpdateLinkRequest request,
        IReadOnlySet<string> cleared,
        string requestHost,
        DateTimeOffset now,
        IReadOnlyList<FieldError>? unreadable = null
    )
    {
        var errors = new List<FieldError>();
        var warnings = request.OriginalUrl is null ? null : CheckTarget("original_url", request.OriginalUrl, requestHost, errors);
        CheckRedirectType(request.RedirectType, errors);
        var metadata = CheckMetadata(request.Metadata, errors);
        var expiresAt = CheckExpiry(request.ExpiresAt, now, errors);
        if (request is { ExpiresAt: not null, NeverExpires: true })
            errors.Add(new FieldError("never_expires", ErrorCode.InvalidRequest, "expires_at and never_expires contradict each other. Give one of them."));
        foreach (var name in cleared.Where(name => name is not ("expires_at" or "metadata")))
            errors.Add(
                new FieldError(name, ErrorCode.InvalidRequest, $"{name} cannot be removed, which is what null means in a merge patch. Leave it out to keep it.")
            );
        var change = new LinkChange
        {
            OriginalUrl = request.OriginalUrl?.Trim(' '),
            ExpiresAt = expiresAt,
            SetsExpiry = request.ExpiresAt is not null || request.NeverExpires == true || cleared.Contains("expires_at"),
            IsActive = request.IsActive,
            RedirectType = request.RedirectType,
            Metadata = metadata ?? (cleared.Contains("metadata") ? LinkMetadata.None : null),
        };
        if (errors.Count == 0 && unreadable is not { Count: > 0 } && change == new LinkChange())
            errors.Add(new FieldError("body", ErrorCode.InvalidRequest, NothingToChange));
        return Checked<LinkChange>.Of(change, unreadable, errors, warnings);
    }

    private string[]? CheckTarget(string field, string? url, string requestHost, List<FieldError> errors)
    {
        var verdict = TargetUrl.Check(url, _policy);
        if (verdict.IsAccepted && string.Equals(verdict.Host, requestHost, StringComparison.OrdinalIgnoreCase))
            verdict = TargetVerdict.Refuse("The host is this service itself, which would make a loop. Give the final address.");
        if (!verdict.IsAccepted)
            errors.Add(new FieldError(field, ErrorCode.InvalidUrl, $"{field}: {verdict.Problem}"));
        else if (blocklist.Current.Blocks(verdict.Host, verdict.Location))
            errors.Add(new FieldError(field, ErrorCode.UrlBlocked, $"{field} leads to a host or page that is blocked here."));
        return verdict.IsConfusable ? [ConfusableWarning] : null;
    }

    private static void CheckAlias(string? alias, List<FieldError> errors)
    {
        if (alias is null)
            return;
        if (!ShortCode.IsValid(alias))
            errors.Add(
                new FieldError(
                    "custom_alias",
                    ErrorCode.InvalidAlias,
                    $"custom_alias must have {ShortCode.MinLength} to {ShortCode.MaxLength} characters of A-Z, a-z, 0-9, '_' and '-'."
                )
            );
        else if (ReservedWords.Contains(alias))
            errors.Add(new FieldError("custom_alias", ErrorCode.InvalidAlias, $"custom_alias \"{alias}\" is a reserved word. Choose another."));
    }

    private static void CheckRedirectType(int? type, List<FieldError> errors)
    {
        if (type is not (null or 301 or 302 or 307 or 308))
            errors.Add(new FieldError("redirect_type", ErrorCode.InvalidRequest, "redirect_type must be 301, 302, 307 or 308."));
    }

    private static DateTimeOffset? CheckExpiry(DateTimeOffset? time, DateTimeOffset now, List<FieldError> errors)
    {
        if (time <= now || time > now.AddDays(MaxDays))
            errors.Add(
                new FieldError(
                    "expires_at",
                    ErrorCode.InvalidRequest,
                    $"expires_at must be in the future and at most {MaxDays} days ahead. To stop a link now, set is_active to false."
                )
            );
        return time is { } end ? DateTimeOffset.FromUnixTimeMilliseconds(end.ToUnixTimeMilliseconds()) : null;
    }

    private string? CheckMetadata(JsonElement? metadata, List<FieldError> errors)
    {
        if (metadata is not { ValueKind: not (JsonValueKind.Undefined or JsonValueKind.Null) } value)
            return null;
        var (text, problem) = LinkMetadata.Check(value, links.MaxMetadataBytes);
        if (problem is not null)
            errors.Add(new FieldError("metadata", ErrorCode.InvalidRequest, problem));
        return text;
    }
}

/// <summary>Result of a check: the value or the errors.</summary>
/// <param name="Value">Null when there are errors.</param>
/// <param name="Errors">Empty when it is good.</param>
/// <param name="Warnings">Warnings for the sender; null: none.</param>
internal readonly record struct Checked<T>(T? Value, IReadOnlyList<FieldError> Errors, IReadOnlyList<string>? Warnings)
    where T : class
{
    /// <summary>The value, unless it has errors. A member that could not be read is reported once, not as missing too.</summary>
    public static Checked<T> Of(T value, IReadOnlyList<FieldError>? unreadable, IReadOnlyList<FieldError> errors, IReadOnlyList<string>? warnings)
    {
        FieldError[] all = [.. unreadable ?? [], .. errors.Where(error => unreadable?.Any(other => other.Field == error.Field) != true)];
        return all.Length > 0 ? new Checked<T>(null, all, null) : new Checked<T>(value, [], warnings);
    }
}
