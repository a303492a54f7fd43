using System.Diagnostics;
using System.Runtime.CompilerServices;
using Xunit;

namespace UrlShortener.TestHarness;

/// <summary>Waits for a state that another thread or process brings about. The limit only ends a test that fails; no test measures time with it.</summary>
internal static class Eventually
{
    // Looks come quickly at first, for what takes a moment, and seldom later, so that a test that waits leaves the processor to others: a look may ask an API
    // server and six others.
    private static readonly TimeSpan FirstInterval = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan MostInterval = TimeSpan.FromMilliseconds(250);

    // Far more than any wait needs on a machine that is ten times slower and whose cores are all busy.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>Waits until a condition holds.</summary>
    public static Task HoldsAsync(Func<bool> condition, [CallerArgumentExpression(nameof(condition))] string what = "") =>
        HoldsAsync(condition, static () => { }, what);

    /// <summary>Waits until a condition holds, and takes a step, such as advancing a fake clock, before each look.</summary>
    public static async Task HoldsAsync(Func<bool> condition, Action step, [CallerArgumentExpression(nameof(condition))] string what = "")
    {
        var started = Stopwatch.GetTimestamp();
        while (!condition())
        {
            if (Stopwatch.GetElapsedTime(started) > Limit)
                Assert.Fail(Message(Limit, what));
            step();
            await Task.Delay(1, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Waits until a condition holds that another process is asked for.</summary>
    public static Task HoldsAsync(Func<Task<bool>> condition, [CallerArgumentExpression(nameof(condition))] string what = "") =>
        HoldsAsync(condition, () => what);

    /// <summary>The same, with a message that is made when the wait has failed.</summary>
    /// <param name="condition">The condition.</param>
    /// <param name="what">The message.</param>
    /// <param name="least">A limit that is longer than that of all waits. A shorter one has no effect: it would only fail tests on a slow machine.</param>
    public static async Task HoldsAsync(Func<Task<bool>> condition, Func<string> what, TimeSpan least = default)
    {
        var limit = least > Limit ? least : Limit;
        var started = Stopwatch.GetTimestamp();
        for (var interval = FirstInterval; !await condition(); interval = Next(interval))
        {
            if (Stopwatch.GetElapsedTime(started) > limit)
                Assert.Fail(Message(limit, what()));
            await Task.Delay(interval, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Reads until the value is as wanted, and returns it.</summary>
    public static async Task<T> ReadAsync<T>(Func<Task<T>> read, Func<T, bool> isWanted, string what)
    {
        var started = Stopwatch.GetTimestamp();
        for (var interval = FirstInterval; ; interval = Next(interval))
        {
            var value = await read();
            if (isWanted(value))
                return value;
            if (Stopwatch.GetElapsedTime(started) > Limit)
                Assert.Fail(Message(Limit, $"{what}. The last state was: {value}"));
            await Task.Delay(interval, TestContext.Current.CancellationToken);
        }
    }

    private static TimeSpan Next(TimeSpan interval) => interval * 1.5 < MostInterval ? interval * 1.5 : MostInterval;

    private static string Message(TimeSpan limit, string what) => $"Not within {limit.TotalSeconds:0} s: {what}";
}
