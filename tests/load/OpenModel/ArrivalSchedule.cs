namespace UrlShortener.Load.OpenModel;

/// <summary>A part of a schedule: within <paramref name="Duration"/> the rate changes evenly from that of the part before to <paramref name="Target"/>, in
/// requests per second.</summary>
internal sealed record ArrivalStage(TimeSpan Duration, double Target);

/// <summary>The time, from the start of the run, at which a request is to be sent, and the stage that it belongs to.</summary>
internal readonly record struct Arrival(long Number, TimeSpan At, int Stage);

/// <summary>
/// When requests are to be sent, whatever the server does: an open model. Request n, from 0, is due at the moment at which the integral of the rate is n.
/// </summary>
internal sealed class ArrivalSchedule
{
    // A sum of products of decimal fractions may end a hair above a whole number, which is not one request more.
    private const double Tolerance = 1e-6;

    private readonly Part[] _parts;

    /// <summary>A schedule that starts at <paramref name="startRate"/> requests per second.</summary>
    public ArrivalSchedule(double startRate, IReadOnlyList<ArrivalStage> stages)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(startRate);
        ArgumentOutOfRangeException.ThrowIfZero(stages.Count);
        (StartRate, Stages) = (startRate, stages);
        _parts = new Part[stages.Count];
        var (start, before, rate) = (0.0, 0.0, startRate);
        for (var i = 0; i < stages.Count; i++)
        {
            ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(stages[i].Duration, TimeSpan.Zero);
            ArgumentOutOfRangeException.ThrowIfNegative(stages[i].Target);
            _parts[i] = new Part(start, stages[i].Duration.TotalSeconds, rate, stages[i].Target, before);
            (start, before, rate) = (start + _parts[i].Length, before + _parts[i].Arrivals, stages[i].Target);
        }

        Duration = TimeSpan.FromSeconds(start);
        Count = (long)Math.Ceiling(before - Tolerance);
    }

    /// <summary>The rate at the start, in requests per second.</summary>
    public double StartRate { get; }

    /// <summary>The stages.</summary>
    public IReadOnlyList<ArrivalStage> Stages { get; }

    /// <summary>Length of all stages.</summary>
    public TimeSpan Duration { get; }

    /// <summary>Requests that the schedule offers.</summary>
    public long Count { get; }

    /// <summary>The rate that is offered on average, per second.</summary>
    public double MeanRate => Count / Duration.TotalSeconds;

    /// <summary>The same rate all the time.</summary>
    public static ArrivalSchedule Constant(double rate, TimeSpan duration) => new(rate, [new ArrivalStage(duration, rate)]);

    /// <summary>The same shape, with times and rates multiplied.</summary>
    public ArrivalSchedule Scale(double time, double rate) =>
        new(StartRate * rate, [.. Stages.Select(stage => new ArrivalStage(stage.Duration * time, stage.Target * rate))]);

    /// <summary>The same rates in at most <paramref name="longest"/>.</summary>
    public ArrivalSchedule Shorten(TimeSpan longest) => Duration <= longest ? this : Scale(longest / Duration, 1);

    /// <summary>Requests that a stage offers.</summary>
    public long CountOf(int stage) =>
        (long)Math.Ceiling(_parts[stage].Before + _parts[stage].Arrivals - Tolerance) - (long)Math.Ceiling(_parts[stage].Before - Tolerance);

    /// <summary>The requests in order of their time.</summary>
    public IEnumerable<Arrival> Arrivals()
    {
        var stage = 0;
        for (var number = 0L; number < Count; number++)
        {
            while (stage < _parts.Length - 1 && number >= _parts[stage].Before + _parts[stage].Arrivals - Tolerance)
                stage++;
            yield return new Arrival(number, TimeSpan.FromSeconds(_parts[stage].TimeOf(number)), stage);
        }
    }

    /// <summary>Seconds and requests per second. <paramref name="Before"/> counts the requests of the parts before.</summary>
    private sealed record Part(double Start, double Length, double From, double To, double Before)
    {
        public double Arrivals => (From + To) / 2 * Length;

        /// <summary>Solves Before + From t + (To - From) t² / (2 Length) = number, in the form that loses no digits when the rate hardly changes.</summary>
        public double TimeOf(long number)
        {
            var missing = number - Before;
            if (missing <= 0)
                return Start;
            var root = Math.Sqrt(Math.Max(0, From * From + 2 * (To - From) / Length * missing));
            return Start + Math.Min(Length, 2 * missing / (From + root));
        }
    }
}
