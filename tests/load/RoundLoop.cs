namespace UrlShortener.Load;

/// <summary>Measures a floor and the product in turn.</summary>
internal static class RoundLoop
{
    /// <summary>Odd rounds start with the floor, even ones with the product, so that a machine that warms up or slows down favours neither. Both get the
    /// number of the round, from 1.</summary>
    public static async Task<Comparison> MeasureAsync(
        LoadProfile load,
        int rounds,
        Func<int, Task<Measurement>> floor,
        Func<int, Task<Measurement>> product,
        Func<Task<TimeSpan>>? drain,
        Action<string> progress
    )
    {
        var measured = new List<Round>();
        for (var number = 1; number <= rounds; number++)
        {
            progress($"{load.Name}, round {number}");
            var productFirst = number % 2 == 0;
            var early = productFirst ? await MeasureProductAsync() : default;
            var least = await floor(number);
            var (measurement, drained) = productFirst ? early : await MeasureProductAsync();
            measured.Add(new Round(number, productFirst, least, measurement, drained.TotalSeconds));

            async Task<(Measurement Measurement, TimeSpan Drain)> MeasureProductAsync() =>
                (await product(number), drain is null ? TimeSpan.Zero : await drain());
        }

        return new Comparison(load, measured);
    }
}
