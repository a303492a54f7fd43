namespace UrlShortener.ControllerRuntime.Api;

/// <summary>Gives the right to write to whoever has it: the leader.</summary>
public interface IFencing
{
    /// <summary>The right to write now.</summary>
    /// <exception cref="LeadershipLostException">There is none.</exception>
    FencingToken RequireToken();
}
