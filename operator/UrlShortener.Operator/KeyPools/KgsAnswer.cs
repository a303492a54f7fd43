using System.Diagnostics.CodeAnalysis;
using UrlShortener.Contracts;

namespace UrlShortener.Operator.KeyPools;

/// <summary>What became of a question to a worker.</summary>
/// <param name="Reading">Its state; null: it did not answer as it should.</param>
/// <param name="Failure">Why not, for people; null: it did.</param>
internal sealed record KgsAnswer(KeyGenerationStatus? Reading, string? Failure)
{
    /// <summary>Whether there is an answer.</summary>
    [MemberNotNullWhen(true, nameof(Reading))]
    [MemberNotNullWhen(false, nameof(Failure))]
    public bool IsSuccess => Reading is not null;
}
