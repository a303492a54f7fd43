using System.Diagnostics;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Product;

/// <summary>Waits for what becomes true by itself. The deadline is there to end a failing test, not to measure.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);

    /// <summary>Reads until what was read is as wanted, and returns it.</summary>
    public static async Task<T> ReadAsync<T>(Func<Task<T>> read, Func<T, bool> isWanted, string what)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            var value = await read();
            if (isWanted(value))
                return value;
            if (Stopwatch.GetElapsedTime(started) > Deadline)
                Assert.Fail($"Not within {Deadline.TotalSeconds:0} s: {what}. The last state was: {value}");
            await Task.Delay(Interval, TestContext.Current.CancellationToken);
        }
    }
}
