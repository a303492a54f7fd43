using Xunit;

namespace UrlShortener.Runtime.Tests;

/// <summary>Waits for what another thread does. The limit only ends a test that would otherwise hang.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>Waits until a condition holds, taking a step, such as moving a fake clock, before each look.</summary>
    public static async Task HoldsAsync(Func<bool> condition, Action? step = null)
    {
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        cancellation.CancelAfter(Limit);
        while (!condition())
        {
            step?.Invoke();
            await Task.Delay(1, cancellation.Token);
        }
    }

    /// <summary>Waits until a condition that has to be asked for holds.</summary>
    public static async Task HoldsAsync(Func<Task<bool>> condition)
    {
        using var cancellation = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        cancellation.CancelAfter(Limit);
        while (!await condition())
            await Task.Delay(10, cancellation.Token);
    }
}
