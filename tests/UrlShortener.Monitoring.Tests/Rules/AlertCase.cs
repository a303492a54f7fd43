namespace UrlShortener.Monitoring.Tests.Rules;

/// <summary>How an alert behaves: it fires, it does not fire just below its threshold, it resolves.</summary>
/// <param name="Alert">Name of the alert.</param>
internal sealed record AlertCase(string Alert)
{
    /// <summary>Tells several cases of one alert apart.</summary>
    public string Variant { get; init; } = "";

    /// <summary>Series that raise the alert, and let it resolve.</summary>
    public required IEnumerable<Sample> Fires { get; init; }

    /// <summary>Series that lie just below the threshold. Null: there is no below, as for an alert that always fires.</summary>
    public IEnumerable<Sample>? Below { get; init; }

    /// <summary>When the alert does not fire yet; null: it has no duration.</summary>
    public string? NotYet { get; init; }

    /// <summary>When it fires.</summary>
    public required string FiresAt { get; init; }

    /// <summary>When it has resolved; null: it never does.</summary>
    public string? ResolvedAt { get; init; }

    /// <summary>Labels of the firing alert, but for its name, severity and concern.</summary>
    public required string Labels { get; init; }

    /// <summary>Time between samples and evaluations.</summary>
    public string Interval { get; init; } = "15s";

    /// <inheritdoc />
    public override string ToString() => Variant.Length == 0 ? Alert : $"{Alert} ({Variant})";
}
