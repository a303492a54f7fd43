namespace UrlShortener.Operator.Apply;

/// <summary>Field managers for server-side apply. One per concern, so that none removes the fields of another.</summary>
internal static class FieldManagers
{
    /// <summary>Applies the fields that the operator owns.</summary>
    public const string Operator = "shortener-operator";

    /// <summary>Writes statuses.</summary>
    public const string Status = "shortener-operator-status";

    /// <summary>
    /// Creates objects with a field that another manager owns afterwards, such as the replicas of a Deployment with an autoscaler. If
    /// <see cref="Operator"/> set the field once and then omitted it, the server would reset it to the default.
    /// </summary>
    public const string Bootstrap = "shortener-operator-bootstrap";
}
