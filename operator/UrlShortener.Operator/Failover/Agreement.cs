namespace UrlShortener.Operator.Failover;

/// <summary>Makes attempts to change the topology record: asks the voters what <see cref="AgreementRound"/> needs.</summary>
/// <param name="client">Reads and writes the voters.</param>
/// <param name="proposer">Name of this process in ballots, unique for each start of it.</param>
/// <param name="time">The time.</param>
internal sealed class Agreement(VoterClient client, string proposer, TimeProvider time)
{
    // Of a voter that others write at the same time. Whoever does it more often than that is asked again in the next attempt.
    private const int MaxTries = 3;

    /// <summary>Makes one attempt.</summary>
    /// <param name="places">Where the voters are; one without a place does not answer.</param>
    /// <param name="known">The voters as far as they are known.</param>
    /// <param name="highest">The highest ballot that was met.</param>
    /// <param name="change">Computes the new record from the latest one; null: the latest one stays.</param>
    /// <param name="cancellationToken">Ends the attempt.</param>
    /// <returns>The attempt as far as it came.</returns>
    public async Task<AgreementRound> TryAsync(
        IReadOnlyDictionary<string, VoterPlace> places,
        Voters known,
        Ballot highest,
        Func<TopologyRecord?, TopologyRecord?> change,
        CancellationToken cancellationToken
    )
    {
        var began = time.GetTimestamp();
        var round = AgreementRound.Start(highest.Next(proposer), known);
        round = await PrepareAsync(round, places, [.. round.Asked], cancellationToken);
        // A promise may tell of other voters.
        if (round.Asked.Except(known.All).ToList() is { Count: > 0 } others)
            round = await PrepareAsync(round, places, others, cancellationToken);
        if (round.Creatable.ToList() is { Count: > 0 } first)
            round = await PrepareAsync(round, places, first, cancellationToken, creates: true);
        // A refusal alone ends nothing: one voter that refuses everything must not be able to stop what a quorum promises.
        if (!round.IsPrepared || time.GetElapsedTime(began) >= AgreementRound.Life)
            return round;
        round = round.Propose(change);
        if (round.Proposed is not { } proposed)
            return round;
        var ballot = round.Ballot;
        foreach (
            var (voter, after) in await AskAsync(
                proposed.Voters.All,
                places,
                held => held is null ? null : held.Accept(ballot, proposed),
                began,
                cancellationToken
            )
        )
            round = after switch
            {
                { Record: { } held } when held.Ballot == ballot => round.WithAcceptance(voter),
                { Record: { } held } => round.WithRefusal(held.Promised),
                _ => round,
            };
        return round;
    }

    /// <summary>Gives a voter its record again (<see cref="LostVoters"/>).</summary>
    /// <param name="place">The voter.</param>
    /// <param name="record">The record.</param>
    /// <param name="cancellationToken">Ends the request.</param>
    public async Task ReturnAsync(VoterPlace place, VoterRecord record, CancellationToken cancellationToken)
    {
        var read = await client.ReadAsync(place, cancellationToken);
        if (read.IsMissing)
            await client.WriteAsync(place, read, record, cancellationToken);
    }

    private async Task<AgreementRound> PrepareAsync(
        AgreementRound round,
        IReadOnlyDictionary<string, VoterPlace> places,
        IReadOnlyList<string> voters,
        CancellationToken cancellationToken,
        bool creates = false
    )
    {
        var ballot = round.Ballot;
        var answers = await AskAsync(
            voters,
            places,
            held => (held ?? (creates ? VoterRecord.Empty : null))?.Promise(ballot),
            time.GetTimestamp(),
            cancellationToken
        );
        foreach (var (voter, after) in answers)
            round = after switch
            {
                { Record: { } held } when held.Promised == ballot => round.WithPromise(voter, held),
                { Record: { } held } => round.WithRefusal(held.Promised),
                { IsMissing: true } => round.WithMissing(voter),
                _ => round,
            };
        return round;
    }

    private async Task<(string Voter, VoterRead Read)[]> AskAsync(
        IEnumerable<string> voters,
        IReadOnlyDictionary<string, VoterPlace> places,
        Func<VoterRecord?, VoterRecord?> change,
        long began,
        CancellationToken cancellationToken
    ) =>
        await Task.WhenAll(voters.Where(places.ContainsKey).Select(async voter => (voter, await ChangeAsync(places[voter], change, began, cancellationToken))));

    // Reads the voter, and writes what follows from it. What is returned is what the voter is known to hold.
    private async Task<VoterRead> ChangeAsync(VoterPlace place, Func<VoterRecord?, VoterRecord?> change, long began, CancellationToken cancellationToken)
    {
        var read = await client.ReadAsync(place, cancellationToken);
        for (var turn = 0; turn < MaxTries; turn++)
        {
            // Nothing is sent any more when others may count on it that the attempt is over.
            if (
                read.Failure is not null
                || change(read.Record) is not { } next
                || time.GetElapsedTime(began) >= AgreementRound.Life - (2 * VoterClient.Timeout)
            )
                return read;
            if (await client.WriteAsync(place, read, next, cancellationToken) is { } written)
                return written;
            read = await client.ReadAsync(place, cancellationToken);
        }

        return read;
    }
}
