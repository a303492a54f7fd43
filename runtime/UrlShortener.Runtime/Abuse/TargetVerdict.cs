using System.Diagnostics.CodeAnalysis;
using UrlShortener.Runtime.Hosts;

namespace UrlShortener.Runtime.Abuse;

/// <summary>The result of <see cref="TargetUrl.Check"/>: accepted with a location, or refused with a problem.</summary>
internal readonly record struct TargetVerdict
{
    /// <summary>Whether the URL may become the target of a link. The default value is a refusal without a problem.</summary>
    [MemberNotNullWhen(true, nameof(Location), nameof(Host))]
    [MemberNotNullWhen(false, nameof(Problem))]
    public bool IsAccepted { get; private init; }

    /// <summary>The value for a Location header: printable ASCII, an absolute http or https URL, fragment included. Null when refused.</summary>
    public string? Location { get; private init; }

    /// <summary>
    /// The host in lower-case ASCII: punycode without trailing dot, dotted-decimal IPv4, or IPv6 in brackets. Null when refused.
    /// </summary>
    public string? Host { get; private init; }

    /// <summary>Whether the host may be mistaken for another one, see <see cref="Confusables"/>. False when refused.</summary>
    public bool IsConfusable { get; private init; }

    /// <summary>One or two sentences that name the limit and what to do; safe to show, because they never repeat the input. Null when accepted.</summary>
    public string? Problem { get; private init; }

    /// <summary>An accepted URL.</summary>
    public static TargetVerdict Accept(string location, string host, bool isConfusable) =>
        new()
        {
            IsAccepted = true,
            Location = location,
            Host = host,
            IsConfusable = isConfusable,
        };

    /// <summary>A refused URL.</summary>
    public static TargetVerdict Refuse(string problem) => new() { Problem = problem };
}
