using System.Diagnostics.CodeAnalysis;
using UrlShortener.Contracts;

namespace UrlShortener.Operator.KeyPools;

/// <summary>The result of a request to a worker.</summary>
/// <param name="Reading">Its state; null: it did not answer correctly.</param>
/// <param name="Failure">Why it did not, for people; null: it did.</param>
internal sealed record KgsAnswer(KeyGenerationStatus? Reading, string? Failure)
{
    /// <summary>Whether there is an answer.</summary>
    [MemberNotNullWhen(true, nameof(Reading))]
    [MemberNotNullWhen(false, nameof(Failure))]
    public bool IsSuccess => Reading is not null;
}
