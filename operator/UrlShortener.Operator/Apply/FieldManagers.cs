namespace UrlShortener.Operator.Apply;

/// <summary>Field managers: the names that the API server records for writes. One per concern, so that none removes the fields of another.</summary>
internal static class FieldManagers
{
    /// <summary>Applies the fields that the operator owns.</summary>
    public const string Operator = "shortener-operator";

    /// <summary>Writes statuses.</summary>
    public const string Status = "shortener-operator-status";

    /// <summary>Writes the part of a region's status that describes its PostgreSQL.</summary>
    public const string Postgres = "shortener-operator-postgres";

    /// <summary>Writes the part of a region's status that describes the backups of its PostgreSQL.</summary>
    public const string Backups = "shortener-operator-backups";

    /// <summary>Writes the part of a region's status that describes its Redis.</summary>
    public const string Redis = "shortener-operator-redis";

    /// <summary>Writes the part of a region's status that describes the load of its click events.</summary>
    public const string Loading = "shortener-operator-loading";

    /// <summary>Writes the votes of regions, and the part of a region's status that describes its group.</summary>
    public const string Topology = "shortener-operator-topology";

    /// <summary>Copies the status of a region that another cluster runs.</summary>
    public const string Mirror = "shortener-operator-mirror";

    /// <summary>Writes the part of a region's status that describes where its visitors are sent.</summary>
    public const string Traffic = "shortener-operator-traffic";

    /// <summary>Writes the webhook's certificates and publishes the CA bundle.</summary>
    public const string Webhook = "shortener-operator-webhook";

    /// <summary>Takes, renews and releases the lease.</summary>
    public const string Lease = "shortener-operator-lease";

    /// <summary>
    /// Creates objects with a field that another manager owns afterwards, such as the replicas of a Deployment with an autoscaler. If
    /// <see cref="Operator"/> set the field once and then omitted it, the server would reset it to the default.
    /// </summary>
    public const string Bootstrap = "shortener-operator-bootstrap";

    /// <summary>
    /// Replaces lists and removes fields of others that conflict with <see cref="Operator"/>, which merges. It keeps no field: a field with two owners
    /// would stay when the operator no longer wants it.
    /// </summary>
    public const string Repair = "shortener-operator-repair";
}
