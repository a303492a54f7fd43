using k8s.Models;

namespace UrlShortener.Operator.Apply;

/// <summary>
/// Fields of an object that another client changes again after the operator set them. Without a limit both would write endlessly. Pure.
/// </summary>
internal sealed record Contest
{
    /// <summary>Reverts of the same fields after which the operator reverts them less often.</summary>
    public const int FreeReverts = 3;

    /// <summary>When the operator tries again to set a field that the server changes with every write.</summary>
    public static readonly TimeSpan MutationKept = TimeSpan.FromHours(1);

    // Reverts that are further apart do not count as a contest.
    private static readonly TimeSpan Memory = TimeSpan.FromMinutes(30);
    private static readonly TimeSpan LeastDelay = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan MostDelay = TimeSpan.FromMinutes(5);

    /// <summary>The object.</summary>
    public required string Uid { get; init; }

    /// <summary>Version of the object that the operator wrote last. A write that results in the same version changed nothing: the cache was outdated.</summary>
    public required string Version { get; init; }

    /// <summary>Digest of the desired fields.</summary>
    public required string Digest { get; init; }

    /// <summary>Paths of the contested fields.</summary>
    public required string Fields { get; init; }

    /// <summary>Digest of the values of the other client; null: any values, because that client changes the fields some time after the operator.</summary>
    public string? Values { get; init; }

    /// <summary>How often in a row the operator reverted the fields.</summary>
    public int Reverts { get; init; }

    /// <summary>When the operator last wrote the object.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Until when the operator accepts the values of the other client.</summary>
    public required DateTimeOffset Until { get; init; }

    /// <summary>Whether to report this to people, once.</summary>
    public bool IsNews { get; init; }

    /// <summary>The server, or one of its webhooks, changed the fields while they were written: a repetition has the same result.</summary>
    public static Contest OfMutation(Contest? former, V1ObjectMeta written, string digest, IReadOnlyList<Difference> left, DateTimeOffset now) =>
        new()
        {
            Uid = written.Uid,
            Version = written.ResourceVersion,
            Digest = digest,
            Fields = FieldsOf(left),
            Values = ValuesOf(left),
            At = now,
            Until = now + MutationKept,
            IsNews = former is not { Values: not null } || former.Fields != FieldsOf(left),
        };

    /// <summary>The operator reverted the fields.</summary>
    public static Contest OfRevert(Contest? former, V1ObjectMeta written, string digest, IReadOnlyList<Difference> differences, DateTimeOffset now)
    {
        var isSame = former is { Values: null } && former.Uid == written.Uid && former.Fields == FieldsOf(differences) && now - former.At < Memory;
        var reverts = isSame ? former!.Reverts + 1 : 1;
        var delay = reverts < FreeReverts ? TimeSpan.Zero : LeastDelay * Math.Pow(2, Math.Min(reverts - FreeReverts, 10));
        return new Contest
        {
            Uid = written.Uid,
            Version = written.ResourceVersion,
            Digest = digest,
            Fields = FieldsOf(differences),
            Reverts = reverts,
            At = now,
            Until = now + (delay < MostDelay ? delay : MostDelay),
            IsNews = reverts == FreeReverts,
        };
    }

    /// <summary>Whether the operator leaves these differences for now.</summary>
    public bool Accepts(string uid, string digest, IReadOnlyList<Difference> differences, DateTimeOffset now) =>
        now < Until && Uid == uid && Digest == digest && Fields == FieldsOf(differences) && (Values is null || Values == ValuesOf(differences));

    /// <summary>Whether the entry affects no later decision: the values were accepted until long ago.</summary>
    public bool IsOver(DateTimeOffset now) => now > Until + MutationKept;

    private static string FieldsOf(IReadOnlyList<Difference> differences) => string.Join(", ", differences.Select(difference => difference.Path));

    private static string ValuesOf(IReadOnlyList<Difference> differences) =>
        Apply.Digest.Of(differences.SelectMany(difference => new[] { difference.Path, difference.Live ?? "" }));
}
