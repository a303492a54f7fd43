namespace UrlShortener.Load.OpenModel;

/// <summary>A load of the specification, with its numbers. <paramref name="MaxInFlight"/> is what <c>k6/*.js</c> allows as virtual users.</summary>
internal sealed record Scenario(string Name, ArrivalSchedule Schedule, int MaxInFlight)
{
    // Fewer than the specification allocates ahead would fail a scaled run for one pause of the machine.
    private const int LeastInFlight = 100;

    /// <summary>The three of the specification.</summary>
    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("constant_load", ArrivalSchedule.Constant(10_000, TimeSpan.FromMinutes(30)), 2_000),
        new(
            "spike_test",
            new ArrivalSchedule(
                1_000,
                [
                    new ArrivalStage(TimeSpan.FromMinutes(5), 1_000),
                    new ArrivalStage(TimeSpan.FromMinutes(1), 50_000),
                    new ArrivalStage(TimeSpan.FromMinutes(5), 50_000),
                    new ArrivalStage(TimeSpan.FromMinutes(1), 1_000),
                ]
            ),
            10_000
        ),
        new(SoakName, ArrivalSchedule.Constant(5_000, TimeSpan.FromHours(4)), 2_000),
    ];

    /// <summary>The one whose process must not grow.</summary>
    public const string SoakName = "soak_test";

    /// <summary>Whether the process must not grow meanwhile.</summary>
    public bool IsSoak => Name == SoakName;

    /// <summary>The scenario in another time and at another rate. Fewer requests may be in flight then, too, so that a server that stalls still shows.</summary>
    public Scenario Scale(double time, double rate) =>
        this with
        {
            Schedule = Schedule.Scale(time, rate),
            MaxInFlight = Math.Max(LeastInFlight, (int)(MaxInFlight * rate)),
        };
}
