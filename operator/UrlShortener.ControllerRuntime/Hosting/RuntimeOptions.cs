using UrlShortener.ControllerRuntime.Election;

namespace UrlShortener.ControllerRuntime.Hosting;

/// <summary>Settings of the controller runtime as a whole.</summary>
public sealed class RuntimeOptions
{
    /// <summary>Namespaces that informers watch by default. Empty: the whole cluster.</summary>
    public IReadOnlyList<string> Namespaces { get; set; } = [];

    /// <summary>Interval in which handlers of all informers receive all objects again; null: as set per informer.</summary>
    public TimeSpan? Resync { get; set; }

    /// <summary>Field manager of the objects that the runtime itself writes: events.</summary>
    public string FieldManager { get; set; } = "controller";

    /// <summary>Name of the program in events, such as <c>example.com/controller</c>.</summary>
    public string ReportingController { get; set; } = "controller";

    /// <summary>The election of a leader.</summary>
    public LeaseOptions Lease { get; set; } = new();
}
