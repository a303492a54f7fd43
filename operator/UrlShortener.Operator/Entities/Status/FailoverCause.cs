namespace UrlShortener.Operator.Entities.Status;

/// <summary>Why a store that the operator runs has another primary, or a shard another master.</summary>
internal enum FailoverCause
{
    /// <summary>The members elected it, or a pod of Redis that was about to end handed over.</summary>
    Native,

    /// <summary>The operator had proof that the former one had ended.</summary>
    Assisted,

    /// <summary>PostgreSQL: the operator asked the former one to hand its role over.</summary>
    Planned,

    /// <summary>Redis: too few masters were left for an election.</summary>
    Takeover,

    /// <summary>Redis: a zone had too many masters.</summary>
    Placement,

    /// <summary>Redis: the pod of the former master was about to be replaced.</summary>
    Update,

    /// <summary>Redis: the specification no longer asks for the pod of the former master.</summary>
    ScaleIn,
}
