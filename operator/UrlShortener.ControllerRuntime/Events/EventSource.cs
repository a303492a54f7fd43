namespace UrlShortener.ControllerRuntime.Events;

/// <summary>The reporter of events.</summary>
/// <param name="FieldManager">Field manager of the events: the name that the API server records for a write.</param>
/// <param name="Controller">Name of the program, such as <c>example.com/controller</c>.</param>
/// <param name="Instance">Name of this process among several; cut after 128 characters.</param>
internal sealed record EventSource(string FieldManager, string Controller, string Instance)
{
    private const int MaxInstance = 128;

    /// <summary><see cref="Instance"/> within the length limit of the API server.</summary>
    public string ReportingInstance => Instance.Length > MaxInstance ? Instance[..MaxInstance] : Instance;
}
