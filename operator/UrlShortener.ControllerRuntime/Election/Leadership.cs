using UrlShortener.ControllerRuntime.Api;

namespace UrlShortener.ControllerRuntime.Election;

/// <summary>Whether this process leads. A <see cref="LeaseElector"/> sets it, controllers wait for it, and every write checks it.</summary>
public sealed class Leadership : IFencing, IDisposable
{
    private readonly CancellationTokenSource _lost = new();
    private readonly TaskCompletionSource<FencingToken> _won = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Cancelled when leadership is lost. A process leads for at most one term and exits at its end.</summary>
    public CancellationToken Lost => _lost.Token;

    /// <summary>Whether this process leads now.</summary>
    public bool IsLeader => _won.Task.IsCompletedSuccessfully && _won.Task.Result.IsValid;

    /// <inheritdoc/>
    public FencingToken RequireToken()
    {
        var token = _won.Task.IsCompletedSuccessfully ? _won.Task.Result : throw new LeadershipLostException();
        token.ThrowIfStale();
        return token;
    }

    /// <summary>Waits until this process leads.</summary>
    public Task WaitAsync(CancellationToken cancellationToken) => _won.Task.WaitAsync(cancellationToken);

    /// <summary>Starts the term.</summary>
    internal void Begin(FencingToken token) => _won.SetResult(token);

    /// <summary>Ends the term, and with it all its work.</summary>
    internal void End()
    {
        if (_won.Task.IsCompletedSuccessfully)
            _won.Task.Result.End();
        _lost.Cancel();
    }

    /// <summary>Leads permanently: for a process without an election.</summary>
    internal static Leadership CreatePermanent(TimeProvider time)
    {
        var leadership = new Leadership();
        leadership.Begin(new FencingToken(time.GetTimestamp(), TimeSpan.MaxValue, TimeSpan.MaxValue, time));
        return leadership;
    }

    /// <inheritdoc/>
    public void Dispose() => _lost.Dispose();
}
