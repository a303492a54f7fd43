namespace UrlShortener.ControllerRuntime.Api;

/// <summary>Gives the right to write to the leader.</summary>
public interface IFencing
{
    /// <summary>Returns the current right to write.</summary>
    /// <exception cref="LeadershipLostException">This process does not lead.</exception>
    FencingToken RequireToken();
}
