namespace UrlShortener.Operator.Tests.Failover;

/// <summary>
/// Chooses the events of a <see cref="World"/>: everybody does what they are there for, while at each moment some are slow and some connections are cut. All from
/// one seed.
/// </summary>
internal sealed class Storm
{
    // Operators 0 to 2, guards 3 to 5.
    private readonly int[] _slow = new int[6];
    private readonly Step[] _belief = [Step.DecideHealthy, Step.DecideHealthy, Step.DecideHealthy];

    // From an operator or a guard to a voter.
    private readonly bool[,] _cut = new bool[6, 3];
    private readonly Dice _dice;
    private readonly int _pace;
    private readonly int _trouble;
    private readonly bool _losesRecords;
    private readonly bool _hasGuards;

    /// <summary>The events of a seed.</summary>
    /// <param name="seed">The seed.</param>
    public Storm(int seed)
    {
        _dice = new Dice(seed);
        // How many events there are between two ticks, on average, and how likely a fault is in each.
        _pace = 8 << _dice.Next(4);
        _trouble = 2 << _dice.Next(5);
        _losesRecords = _dice.Next(3) == 0;
        // Without them, more happens among the operators.
        _hasGuards = _dice.Next(3) > 0;
    }

    /// <summary>The next event.</summary>
    /// <param name="world">The world.</param>
    public Event Next(World world)
    {
        if (_dice.Next(_pace) == 0)
        {
            Change();
            return new Event(Step.Tick);
        }

        var events = world.FindEvents().Select(one => (Event: one, Weight: WeightOf(one))).Where(one => one.Weight > 0).ToList();
        if (events.Count == 0)
            return new Event(Step.Tick);
        var choice = _dice.Next(events.Sum(one => one.Weight));
        return events.First(one => (choice -= one.Weight) < 0).Event;
    }

    private void Change()
    {
        for (var i = 0; i < 6; i++)
        {
            _slow[i] =
                _slow[i] > 0 ? _slow[i] - 1
                : _dice.Next(_trouble) == 0 ? 1 + _dice.Next(7)
                : 0;
            for (var j = 0; j < 3; j++)
                _cut[i, j] = _dice.Next(4) == 0 ? _dice.Next(_trouble) == 0 : _cut[i, j];
        }

        var belief = _dice.Next(3);
        if (_dice.Next(4) == 0)
            _belief[belief] = new[] { Step.DecideHealthy, Step.DecideHealthy, Step.DecideLost, Step.DecideMove }[_dice.Next(4)];
    }

    private int WeightOf(Event now) =>
        now.Step switch
        {
            Step.Tick => 0,
            Step.DecideHealthy or Step.DecideLost or Step.DecideMove => _slow[now.Who] == 0 && _belief[now.Who] == now.Step ? 6 : 0,
            Step.Refresh or Step.ChangeVoters => _slow[now.Who] == 0 ? 1 : 0,
            Step.Propose => _slow[now.Who] == 0 ? 60 : 0,
            Step.Learn => _slow[now.Who] == 0 ? 8 : 0,
            Step.LearnLate => _slow[now.Who] == 0 ? 2 : 0,
            Step.Hear => _slow[now.Who] == 0 ? 4 : 0,
            Step.ReturnRecord => _slow[now.Who] == 0 ? 4 : 0,
            Step.Deliver => _slow[now.Whom / 3] == 0 && !_cut[now.Whom / 3, now.Whom % 3] ? 30 : 0,
            Step.DeliverUnanswered or Step.Lose => _slow[now.Whom / 3] > 0 || _cut[now.Whom / 3, now.Whom % 3] ? 1 : 0,
            Step.BeginReading => _hasGuards && _slow[now.Who + 3] == 0 ? 10 : 0,
            Step.Read => _slow[now.Who + 3] == 0 && !_cut[now.Who + 3, now.Whom] ? 20 : 0,
            Step.EndReading => _slow[now.Who + 3] == 0 ? 8 : 0,
            Step.Crash or Step.RestartGuard => _dice.Next(_trouble) == 0 ? 1 : 0,
            Step.LoseRecord => _losesRecords && _dice.Next(_trouble) == 0 ? 2 : 0,
            _ => throw new InvalidOperationException($"Step {now.Step} is not known."),
        };
}
