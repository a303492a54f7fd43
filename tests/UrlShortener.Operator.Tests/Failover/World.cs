using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using UrlShortener.Operator.Failover;

namespace UrlShortener.Operator.Tests.Failover;

/// <summary>What can happen next in a <see cref="World"/>.</summary>
internal enum Step
{
    /// <summary>Time passes.</summary>
    Tick,

    /// <summary>An operator decides, believing that the primary region is lost.</summary>
    DecideLost,

    /// <summary>An operator decides, asked by a person for a move to another region.</summary>
    DecideMove,

    /// <summary>An operator decides, believing that all regions are healthy.</summary>
    DecideHealthy,

    /// <summary>An operator makes the next step to let the witness join the votes, or leave them.</summary>
    ChangeVoters,

    /// <summary>An operator makes an attempt that changes nothing, so that all voters hold the same.</summary>
    Refresh,

    /// <summary>An operator that has a quorum of promises proposes.</summary>
    Propose,

    /// <summary>A request reaches its voter, and the answer its operator.</summary>
    Deliver,

    /// <summary>A request reaches its voter; the answer is lost.</summary>
    DeliverUnanswered,

    /// <summary>A request is lost.</summary>
    Lose,

    /// <summary>An operator learns the latest chosen record.</summary>
    Learn,

    /// <summary>An operator learns the one before.</summary>
    LearnLate,

    /// <summary>An operator hears what the guard of a region says.</summary>
    Hear,

    /// <summary>An operator is killed and starts again.</summary>
    Crash,

    /// <summary>A guard begins to read the voters.</summary>
    BeginReading,

    /// <summary>A guard reads a voter.</summary>
    Read,

    /// <summary>A guard ends its reading.</summary>
    EndReading,

    /// <summary>A guard is killed and starts again.</summary>
    RestartGuard,

    /// <summary>A voter loses its record.</summary>
    LoseRecord,

    /// <summary>An operator gives a voter a record again.</summary>
    ReturnRecord,
}

/// <summary>One step, and whom it is about.</summary>
/// <param name="Step">The step.</param>
/// <param name="Who">Number of the operator, guard or voter; of a request, its place among those under way.</param>
/// <param name="Whom">Number of the second one; of a request, three times its operator's and its voter's.</param>
internal readonly record struct Event(Step Step, int Who = 0, int Whom = 0);

/// <summary>
/// Three regions with an operator, a guard and a voter each, or two of them and a witness that only votes, run by the product's rules. Everything else is left to whoever chooses the events: which requests
/// arrive, in which order and how late, who learns what and when, who believes which region to be lost, who is killed, and how time passes. Clocks of guards run
/// slow, those of operators fast.
/// </summary>
internal sealed class World
{
    private static readonly string[] Regions = ["a", "b", "c"];
    private static readonly string Witness = UrlShortener.Operator.Failover.Witness.VoterOf("m");
    private static readonly TimeSpan Epsilon = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Now = TimeSpan.FromHours(1);

    private readonly Rules _rules;

    // The voters, the regions first.
    private readonly string[] _names;
    private readonly int _regions;
    private readonly VoterRecord?[] _voters = new VoterRecord?[3];
    private readonly Decider[] _operators = [new(), new(), new()];
    private readonly Guard[] _guards = [new(), new(), new()];
    private readonly List<Request> _requests = [];

    // Who has ever accepted which record, and which ones were chosen, in the order in which they were.
    private readonly SortedDictionary<Ballot, (TopologyRecord Value, ImmutableSortedSet<string> By)> _accepted = [];
    private readonly List<ChosenRecord> _chosen = [];

    // How many of these have been checked against each other.
    private int _checked;

    // The ballot of the record that each proposed one was computed from.
    private readonly Dictionary<Ballot, Ballot> _parents = [];

    /// <summary>A group whose region a writes.</summary>
    /// <param name="rules">The rules.</param>
    public World(Rules rules)
    {
        _rules = rules;
        (_regions, _names) = rules.HasWitness ? (2, [.. Regions.Take(2), Witness]) : (3, Regions);
        var first = _names.Take(_regions).ToList();
        var record = new TopologyRecord
        {
            Epoch = 1,
            Phase = TopologyPhase.Stable,
            Region = "a",
            IsGuarded = true,
            // A witness joins later.
            Voters = Voters.Of(first),
        };
        var ballot = new Ballot(1, "first");
        Array.Fill(_voters, new VoterRecord(ballot, ballot, record), 0, _regions);
        _accepted[ballot] = (record, [.. first]);
        _chosen.Add(new ChosenRecord(ballot, record));
        foreach (var one in _operators)
            one.Highest = ballot;
    }

    private World(World other)
    {
        _rules = other._rules;
        (_names, _regions) = (other._names, other._regions);
        other._voters.CopyTo(_voters, 0);
        for (var i = 0; i < 3; i++)
            (_operators[i], _guards[i]) = (other._operators[i].Clone(), other._guards[i].Clone());
        _requests = [.. other._requests];
        _accepted = new SortedDictionary<Ballot, (TopologyRecord, ImmutableSortedSet<string>)>(other._accepted);
        _chosen = [.. other._chosen];
        _checked = other._checked;
        _parents = new Dictionary<Ballot, Ballot>(other._parents);
        Violation = other.Violation;
        (Attempts, Readings, Ticks) = (other.Attempts, other.Readings, other.Ticks);
    }

    /// <summary>The invariant that was broken first; null: none.</summary>
    public string? Violation { get; private set; }

    /// <summary>Regions that may write.</summary>
    public IEnumerable<string> Writers => Regions.Where((_, i) => _guards[i].Lease.IsHeld(_guards[i].Clock));

    /// <summary>The latest chosen record.</summary>
    public TopologyRecord Latest => _chosen.MaxBy(one => one.Ballot)!.Value;

    /// <summary>Whether the witness has ever had a part in a decision.</summary>
    public bool HasJoined => _rules.HasWitness && _chosen.Any(one => _accepted[one.Ballot].By.Contains(Witness));

    /// <summary>Attempts that were begun.</summary>
    public int Attempts { get; private set; }

    /// <summary>Readings that guards began.</summary>
    public int Readings { get; private set; }

    /// <summary>How often time passed.</summary>
    public int Ticks { get; private set; }

    /// <summary>A copy that events do not share.</summary>
    public World Clone() => new(this);

    /// <summary>All events that are possible now.</summary>
    public List<Event> FindEvents()
    {
        var events = new List<Event> { new(Step.Tick) };
        for (var i = 0; i < _regions; i++)
        {
            var one = _operators[i];
            if (one.Round is null && one.Known is not null)
                events.AddRange([new(Step.DecideLost, i), new(Step.DecideMove, i), new(Step.DecideHealthy, i), new(Step.Refresh, i)]);
            if (_rules.HasWitness && one is { Round: null, Known.Value.Phase: TopologyPhase.Stable })
                events.Add(new Event(Step.ChangeVoters, i));
            if (one.Round is { Proposed: null } round && _rules.IsPrepared(round))
                events.Add(new Event(Step.Propose, i));
            if (one.Known is null || one.Known.Ballot < _chosen[^1].Ballot)
                events.Add(new Event(Step.Learn, i));
            if (_chosen.Count > 1 && (one.Known is null || one.Known.Ballot < _chosen[^2].Ballot))
                events.Add(new Event(Step.LearnLate, i));
            for (var j = 0; j < 3; j++)
            {
                if (j < _regions && (one.Fenced[j], one.Writes[j]) != (_guards[j].FencedEpoch ?? one.Fenced[j], _guards[j].WritesIn ?? one.Writes[j]))
                    events.Add(new Event(Step.Hear, i, j));
                if (FindReturned(i, j) is not null)
                    events.Add(new Event(Step.ReturnRecord, i, j));
            }

            events.Add(new Event(Step.Crash, i));
            events.Add(new Event(_guards[i].Reads is null ? Step.BeginReading : Step.EndReading, i));
            for (var j = 0; j < 3 && _guards[i].Reads is not null; j++)
            {
                if (_voters[j] is not null && !_guards[i].Reads!.ContainsKey(_names[j]))
                    events.Add(new Event(Step.Read, i, j));
            }

            events.Add(new Event(Step.RestartGuard, i));
            if (_voters[i] is not null && _voters.All(voter => voter is not null))
                events.Add(new Event(Step.LoseRecord, i));
        }

        if (_rules.HasWitness && _voters.All(voter => voter is not null))
            events.Add(new Event(Step.LoseRecord, 2));

        for (var i = 0; i < _requests.Count; i++)
        {
            var way = (3 * _requests[i].Who) + _requests[i].Voter;
            events.AddRange([new(Step.Deliver, i, way), new(Step.DeliverUnanswered, i, way), new(Step.Lose, i, way)]);
        }

        return events;
    }

    /// <summary>Lets an event happen.</summary>
    public void Apply(Event now)
    {
        var (who, whom) = (now.Who, now.Whom);
        switch (now.Step)
        {
            case Step.Tick:
                Pass();
                break;
            case Step.DecideLost:
            case Step.DecideMove:
            case Step.DecideHealthy:
                Decide(who, now.Step);
                break;
            case Step.ChangeVoters:
                if (_operators[who].Known!.Value is var known)
                    Begin(who, known, known with { Voters = NextVoters(known) });
                break;
            case Step.Refresh:
                Begin(who, _operators[who].Known!.Value, null);
                break;
            case Step.Propose:
                Propose(who);
                break;
            case Step.Deliver:
            case Step.DeliverUnanswered:
                Deliver(who, now.Step == Step.Deliver);
                break;
            case Step.Lose:
                _requests.RemoveAt(who);
                break;
            case Step.Learn:
                Learn(who, _chosen[^1]);
                break;
            case Step.LearnLate:
                Learn(who, _chosen[^2]);
                break;
            case Step.Hear:
                _operators[who].Fenced[whom] = _guards[whom].FencedEpoch ?? _operators[who].Fenced[whom];
                _operators[who].Writes[whom] = _guards[whom].WritesIn ?? _operators[who].Writes[whom];
                break;
            case Step.Crash:
                _operators[who] = new Decider { Starts = _operators[who].Starts + 1, Highest = _operators[who].Highest };
                break;
            case Step.BeginReading:
                Readings++;
                (_guards[who].Began, _guards[who].Reads) = (_guards[who].Clock, ImmutableSortedDictionary<string, VoterRecord>.Empty);
                break;
            case Step.Read:
                _guards[who].Reads = _guards[who].Reads!.SetItem(_names[whom], _voters[whom]!);
                break;
            case Step.EndReading:
                var guard = _guards[who];
                guard.Lease = _rules.Renew(guard.Lease, _names[who], guard.Began, guard.Clock, guard.Reads!);
                guard.Reads = null;
                break;
            case Step.RestartGuard:
                _guards[who] = new Guard { Clock = _guards[who].Clock };
                break;
            case Step.LoseRecord:
                _voters[who] = null;
                break;
            case Step.ReturnRecord:
                Return(who, whom);
                break;
            default:
                throw new InvalidOperationException($"Step {now.Step} is not known.");
        }

        Check();
    }

    /// <summary>Everything works for a while: all requests arrive, everybody reads and hears everything, and all regions are healthy.</summary>
    public void Heal()
    {
        for (var turn = 0; turn < 60 && Violation is null; turn++)
        {
            for (var i = 0; i < _regions; i++)
            {
                if (_operators[i].Known?.Ballot != _chosen[^1].Ballot)
                    Apply(new Event(Step.Learn, i));
                for (var j = 0; j < _regions; j++)
                    Apply(new Event(Step.Hear, i, j));
            }

            for (var i = 0; i < _regions; i++)
            {
                var isBehind = Latest.Voters.All.Any(name => _voters[Array.IndexOf(_names, name)]?.Ballot != _chosen[^1].Ballot);
                if (_operators[i].Round is null)
                    Apply(new Event(isBehind ? Step.Refresh : Step.DecideHealthy, i));
                Settle(i);
                for (var j = 0; j < 3; j++)
                {
                    if (FindEvents().Contains(new Event(Step.ReturnRecord, i, j)))
                        Apply(new Event(Step.ReturnRecord, i, j));
                }

                Apply(new Event(Step.BeginReading, i));
                for (var j = 0; j < 3; j++)
                {
                    if (_voters[j] is not null)
                        Apply(new Event(Step.Read, i, j));
                }

                Apply(new Event(Step.EndReading, i));
            }

            Apply(new Event(Step.Tick));
        }
    }

    /// <summary>The state, the same for states that cannot be told apart.</summary>
    public string ReadState()
    {
        var text = new StringBuilder().Append(CultureInfo.InvariantCulture, $"{Attempts} {Readings} {Ticks};");
        foreach (var voter in _voters)
            text.Append(voter).Append(';');
        for (var i = 0; i < 3; i++)
        {
            var (one, guard) = (_operators[i], _guards[i]);
            text.Append(CultureInfo.InvariantCulture, $"|{one.Starts} {one.Known} {Cut(one.KnownFor, 30)} {one.Highest} {one.DecidedOn} {one.Next}");
            text.AppendJoin(',', one.Fenced).Append(' ').AppendJoin(',', one.Writes).Append(' ').AppendJoin(',', one.MissingFor);
            if (one.Round is { } round)
                text.Append(CultureInfo.InvariantCulture, $" {round.Ballot} {round.Highest} {round.Proposed} {Cut(one.RoundFor, 10)}")
                    .AppendJoin(',', round.Promises.Select(promise => $"{promise.Key}{promise.Value}"))
                    .AppendJoin(',', round.AcceptedBy)
                    .AppendJoin(',', round.Missing);
            text.Append(CultureInfo.InvariantCulture, $"!{guard.Lease.Epoch} {Cut(guard.Lease.Ends - guard.Clock, 60)} ");
            if (guard.Reads is { } reads)
                text.Append(Cut(guard.Clock - guard.Began, 60)).AppendJoin(',', reads.Select(read => $"{read.Key}{read.Value}"));
        }

        foreach (var request in _requests.Select(request => request.ToString()).Order(StringComparer.Ordinal))
            text.Append(request);
        foreach (var (ballot, (_, by)) in _accepted)
            text.Append(ballot).AppendJoin(',', by);
        return text.ToString();
    }

    private static string Cut(TimeSpan? span, int seconds) =>
        span is { } length ? Math.Clamp(length.TotalSeconds, -1, seconds).ToString("0.0", CultureInfo.InvariantCulture) : "-";

    private void Pass()
    {
        Ticks++;
        foreach (var guard in _guards)
            guard.Clock += Epsilon * (1 - _rules.Drift);
        for (var i = 0; i < _regions; i++)
        {
            var (one, passed) = (_operators[i], Epsilon * (1 + _rules.Drift));
            one.KnownFor += passed;
            one.RoundFor += passed;
            if (one.RoundFor >= AgreementRound.Life)
                one.Round = null;
            for (var j = 0; j < 3; j++)
                one.MissingFor[j] = one.SeesMissing[j] && _voters[j] is null ? one.MissingFor[j] + passed : TimeSpan.Zero;
        }
    }

    // The witness joins if it has no vote, and leaves if it has one.
    private Voters NextVoters(TopologyRecord record) =>
        record.Voters.Towards(_names.Take(_regions).Concat(record.Voters.Current.Contains(Witness) ? [] : [Witness]))!;

    private void Decide(int who, Step belief)
    {
        var one = _operators[who];
        var record = one.Known!.Value;
        var regions = Regions
            .Take(_regions)
            .Select(
                (name, i) =>
                    new RegionView
                    {
                        Name = name,
                        IsCandidate = true,
                        IsGuarded = true,
                        Verdict =
                            belief == Step.DecideLost && name == record.Region ? Verdict.Bad
                            : belief == Step.DecideLost && name == record.Former ? Verdict.Unknown
                            : Verdict.Good,
                        BadSince = belief == Step.DecideLost && name == record.Region ? TimeSpan.Zero : null,
                        LagBytes = 0,
                        FencedEpoch = one.Fenced[i],
                        FencedAt = one.Fenced[i] is null ? null : 1ul,
                        Replayed = 1,
                        WritesIn = one.Writes[i],
                    }
            );
        var decision = _rules.Decide(
            new GroupView
            {
                Own = new HashSet<string> { Regions[who] },
                Record = record,
                RecordSeen = Now - one.KnownFor,
                Regions = regions.ToDictionary(region => region.Name),
                Settings = new FailoverSettings { Limits = new MoveLimits(TimeSpan.Zero, 1000) },
                Requested = belief == Step.DecideMove ? Regions[(Array.IndexOf(Regions, record.Region) + 1) % _regions] : null,
                Now = Now,
                Clock = DateTimeOffset.UnixEpoch,
            }
        );
        // Times of moves have their own tests, and would make every state a new one.
        if (decision.Next is { } next)
            Begin(who, record, next with { AutomaticMoves = [] });
    }

    private void Begin(int who, TopologyRecord record, TopologyRecord? next)
    {
        Attempts++;
        var one = _operators[who];
        var ballot = one.Highest.Next($"{_names[who]}{one.Starts}");
        (one.Round, one.RoundFor, one.DecidedOn, one.Next, one.Highest) = (AgreementRound.Start(ballot, record.Voters), TimeSpan.Zero, record, next, ballot);
        foreach (var voter in one.Round.Asked)
            _requests.Add(new Request(who, Array.IndexOf(_names, voter), ballot, null));
    }

    private void Propose(int who)
    {
        var one = _operators[who];
        one.Round = _rules.Propose(one.Round!, latest => one.Next is { } next ? _rules.Change(latest, one.DecidedOn, next) : null);
        if (one.Round.Proposed is null)
        {
            one.Round = null;
            return;
        }

        _parents[one.Round.Ballot] = ChosenRecord.FindLatest(one.Round.Promises)!.Ballot;
        foreach (var voter in one.Round.Proposed.Voters.All)
            _requests.Add(new Request(who, Array.IndexOf(_names, voter), one.Round.Ballot, one.Round.Proposed));
    }

    private void Deliver(int index, bool isAnswered)
    {
        var (who, voter, ballot, value) = _requests[index];
        _requests.RemoveAt(index);
        var held = _voters[voter] ?? _rules.Lost;
        var after =
            held is null ? null
            : value is null ? _rules.Promise(held, ballot)
            : _rules.Accept(held, ballot, value);
        if (after is not null)
            _voters[voter] = after;
        if (after is not null && value is not null)
            Record(ballot, value, _names[voter]);
        var one = _operators[who];
        if (!isAnswered || one.Round is not { } round || round.Ballot != ballot)
            return;
        one.SeesMissing[voter] = held is null;
        one.Round =
            held is null ? round.WithMissing(_names[voter])
            : after is null ? round.WithRefusal(held.Promised)
            : value is null ? round.WithPromise(_names[voter], after)
            : round.WithAcceptance(_names[voter]);
        one.Highest = one.Round.Highest;
        if (_rules.IsChosen(one.Round))
        {
            Learn(who, new ChosenRecord(ballot, one.Round.Proposed!));
            one.Round = null;
        }
        else if (one.Round.Highest > ballot && !_rules.IsPrepared(one.Round))
        {
            one.Round = null;
        }
    }

    private void Learn(int who, ChosenRecord record)
    {
        var one = _operators[who];
        if (one.Known is { } known && known.Ballot >= record.Ballot)
            return;
        if (one.Known is null || (one.Known.Value.Epoch, one.Known.Value.Phase) != (record.Value.Epoch, record.Value.Phase))
            one.KnownFor = TimeSpan.Zero;
        one.Known = record;
        one.Highest = record.Ballot > one.Highest ? record.Ballot : one.Highest;
    }

    private void Return(int who, int voter)
    {
        var record = FindReturned(who, voter)!;
        _voters[voter] = record;
        Record(record.Ballot, record.Value!, _names[voter]);
        _operators[who].MissingFor[voter] = TimeSpan.Zero;
    }

    private VoterRecord? FindReturned(int who, int voter) =>
        _voters[voter] is null && _operators[who].SeesMissing[voter]
            ? LostVoters.Return(
                Enumerable.Range(0, 3).Where(i => _voters[i] is not null).ToDictionary(i => _names[i], i => _voters[i]!),
                _names[voter],
                _operators[who].MissingFor[voter] + (LostVoters.ReturnTime - _rules.ReturnTime)
            )
            : null;

    private void Settle(int who)
    {
        for (var turn = 0; turn < 20; turn++)
        {
            if (_operators[who].Round is { Proposed: null } round && _rules.IsPrepared(round))
                Apply(new Event(Step.Propose, who));
            else if (_requests.Count > 0)
                Apply(new Event(Step.Deliver, 0));
            else
                return;
        }
    }

    private void Record(Ballot ballot, TopologyRecord value, string voter)
    {
        var (first, by) = _accepted.GetValueOrDefault(ballot, (value, []));
        if (first != value)
            Violation ??= $"Two records under ballot {ballot}: {first}; {value}";
        by = by.Add(voter);
        _accepted[ballot] = (first, by);
        if (_chosen.All(one => one.Ballot != ballot) && value.Voters.IsQuorum(by))
            _chosen.Add(new ChosenRecord(ballot, value));
    }

    private void Check()
    {
        if (Writers.Count() > 1)
            Violation ??= $"Two regions may write: {string.Join(", ", Writers)}";
        if (_checked != _chosen.Count)
            CheckChosen();
        _checked = _chosen.Count;
        for (var i = 0; i < _regions; i++)
        {
            if (_operators[i].Known is { } known && _chosen.All(one => one != known))
                Violation ??= $"Operator {_names[i]} acts on a record that no quorum has: {known}";
        }
    }

    private void CheckChosen()
    {
        var order = _chosen.OrderBy(one => one.Ballot).ToList();
        for (var i = 1; i < order.Count; i++)
        {
            if (order[i].Value.Epoch < order[i - 1].Value.Epoch)
                Violation ??= $"An epoch fell: {order[i - 1]}; {order[i]}";
        }

        for (var i = 1; i < order.Count; i++)
        {
            var origin = order[i].Ballot;
            while (origin > order[i - 1].Ballot)
                origin = _parents[origin];
            if (origin != order[i - 1].Ballot)
                Violation ??= $"A chosen record was forgotten: {order[i - 1]}; {order[i]}";
        }

        foreach (var epoch in _chosen.Where(one => one.Value.Phase != TopologyPhase.Fencing).GroupBy(one => one.Value.Epoch))
        {
            if (epoch.Select(one => one.Value.Region).Distinct().Count() > 1)
                Violation ??= $"Two regions got the role in epoch {epoch.Key}";
        }

        if (_chosen.Find(one => !Regions.Take(_regions).Contains(one.Value.Region)) is { } odd)
            Violation ??= $"Somebody else than a region has the role: {odd}";
    }

    private sealed record Request(int Who, int Voter, Ballot Ballot, TopologyRecord? Value)
    {
        public override string ToString() => $"({Who}{Voter}{Ballot}{Value})";
    }

    private sealed class Decider
    {
        public int Starts { get; init; }
        public ChosenRecord? Known { get; set; }
        public TimeSpan KnownFor { get; set; }
        public AgreementRound? Round { get; set; }
        public TimeSpan RoundFor { get; set; }
        public TopologyRecord? DecidedOn { get; set; }
        public TopologyRecord? Next { get; set; }
        public Ballot Highest { get; set; }
        public long?[] Fenced { get; private init; } = new long?[3];
        public long?[] Writes { get; private init; } = new long?[3];
        public bool[] SeesMissing { get; private init; } = new bool[3];
        public TimeSpan[] MissingFor { get; private init; } = new TimeSpan[3];

        public Decider Clone() =>
            new()
            {
                Starts = Starts,
                Known = Known,
                KnownFor = KnownFor,
                Round = Round,
                RoundFor = RoundFor,
                DecidedOn = DecidedOn,
                Next = Next,
                Highest = Highest,
                Fenced = [.. Fenced],
                Writes = [.. Writes],
                SeesMissing = [.. SeesMissing],
                MissingFor = [.. MissingFor],
            };
    }

    private sealed class Guard
    {
        public TimeSpan Clock { get; set; }
        public WriteLease Lease { get; set; } = WriteLease.None;
        public TimeSpan Began { get; set; }
        public ImmutableSortedDictionary<string, VoterRecord>? Reads { get; set; }

        // What the guard tells: it has seen this epoch, and the region does not write.
        public long? FencedEpoch => Lease.Ends is null && Lease.Epoch > 0 ? Lease.Epoch : null;

        public long? WritesIn => Lease.IsHeld(Clock) ? Lease.Epoch : null;

        public Guard Clone() =>
            new()
            {
                Clock = Clock,
                Lease = Lease,
                Began = Began,
                Reads = Reads,
            };
    }
}
