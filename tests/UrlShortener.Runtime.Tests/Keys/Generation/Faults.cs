namespace UrlShortener.Runtime.Tests.Keys.Generation;

/// <summary>
/// What goes wrong between one worker and its servers. Each call passes two points, such as <c>claim:before</c> and <c>claim:after</c>: at the second the
/// server has done its work and only the answer is lost.
/// </summary>
internal sealed class Faults
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, int> _passed = [];
    private volatile string? _failAt;
    private volatile bool _isDead;

    /// <summary>The point at which every call fails; null: none.</summary>
    public string? FailAt
    {
        get => _failAt;
        set => _failAt = value;
    }

    /// <summary>The point that the worker does not survive, the second time it comes there.</summary>
    public string? DieAt { get; init; }

    /// <summary>Whether it has died: no call does anything any more.</summary>
    public bool IsDead => _isDead;

    /// <summary>Called at each point.</summary>
    public Action<string>? OnPoint { get; set; }

    /// <summary>The point at which calls wait for ever; null: none.</summary>
    public string? HangAt { get; set; }

    /// <summary>Times that a point was reached.</summary>
    public int Count(string point)
    {
        lock (_lock)
            return _passed.GetValueOrDefault(point);
    }

    /// <summary>A call reaches a point.</summary>
    public async Task PassAsync(string point, CancellationToken cancellationToken)
    {
        await Task.Yield();
        cancellationToken.ThrowIfCancellationRequested();
        int count;
        lock (_lock)
            _passed[point] = count = _passed.GetValueOrDefault(point) + 1;
        OnPoint?.Invoke(point);
        if (HangAt == point)
            await Task.Delay(Timeout.Infinite, cancellationToken);
        if (DieAt == point && count == 2)
            _isDead = true;
        if (_isDead || FailAt == point)
            throw new IOException("down: host=secret.internal");
    }
}
