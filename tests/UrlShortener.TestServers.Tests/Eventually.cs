using System.Diagnostics;
using Xunit;

namespace UrlShortener.TestServers.Tests;

/// <summary>Waits for what becomes true by itself. The limit is there to end a failing test.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Waits until a condition holds.</summary>
    public static Task HoldsAsync(Func<bool> condition, string what) => HoldsAsync(() => Task.FromResult(condition()), what);

    /// <summary>Waits until a condition holds that another process must be asked for.</summary>
    public static async Task HoldsAsync(Func<Task<bool>> condition, string what)
    {
        var started = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            Assert.True(Stopwatch.GetElapsedTime(started) < Limit, $"Not within {Limit.TotalSeconds:0} s: {what}");
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
    }
}
