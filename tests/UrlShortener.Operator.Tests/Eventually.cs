using System.Diagnostics;
using Xunit;

namespace UrlShortener.Operator.Tests;

/// <summary>Waits for what becomes true by itself. The limit is there to end a failing test.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Waits until a condition holds.</summary>
    public static Task HoldsAsync(Func<bool> condition, string what) => HoldsAsync(() => Task.FromResult(condition()), what);

    /// <summary>Waits until a condition holds that another process must be asked for.</summary>
    public static Task HoldsAsync(Func<Task<bool>> condition, string what) => HoldsAsync(condition, () => what, Limit);

    /// <summary>The same, with a time limit and words that tell what there is instead.</summary>
    public static async Task HoldsAsync(Func<Task<bool>> condition, Func<string> what, TimeSpan limit)
    {
        var started = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < limit, $"Not within {limit.TotalSeconds:0} s: {what()}");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }
}
