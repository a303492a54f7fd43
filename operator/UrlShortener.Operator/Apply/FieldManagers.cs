namespace UrlShortener.Operator.Apply;

/// <summary>Names under which the API server notes who set a field. One per concern, so that none of them takes away what another one set.</summary>
internal static class FieldManagers
{
    /// <summary>Applies what the operator owns.</summary>
    public const string Operator = "shortener-operator";

    /// <summary>Writes statuses.</summary>
    public const string Status = "shortener-operator-status";

    /// <summary>
    /// Creates objects of which another one owns a field from then on, such as a Deployment whose replicas belong to its autoscaler. Had
    /// <see cref="Operator"/> set the field once and then left it out, the server would set it back to the default.
    /// </summary>
    public const string Bootstrap = "shortener-operator-bootstrap";
}
