namespace UrlShortener.ControllerRuntime.Events;

/// <summary>Who reports events.</summary>
/// <param name="FieldManager">Name under which the API server notes who wrote them.</param>
/// <param name="Controller">Name of the program, such as <c>example.com/controller</c>.</param>
/// <param name="Instance">Name of this process among several; cut after 128 characters.</param>
internal sealed record EventSource(string FieldManager, string Controller, string Instance)
{
    private const int MaxInstance = 128;

    /// <summary>As <see cref="Instance"/>, within the length that the API server takes.</summary>
    public string ReportingInstance => Instance.Length > MaxInstance ? Instance[..MaxInstance] : Instance;
}
