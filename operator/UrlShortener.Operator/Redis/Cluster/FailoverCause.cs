namespace UrlShortener.Operator.Redis.Cluster;

/// <summary>Why a shard has another master.</summary>
internal enum FailoverCause
{
    /// <summary>The nodes elected it, or a pod that was about to end handed over.</summary>
    Native,

    /// <summary>The operator had proof that the former master had ended.</summary>
    Assisted,

    /// <summary>Too few masters were left for an election.</summary>
    Takeover,

    /// <summary>A zone had too many masters.</summary>
    Placement,

    /// <summary>The pod of the former master was about to be replaced.</summary>
    Update,

    /// <summary>The specification no longer asks for the pod of the former master.</summary>
    ScaleIn,
}
