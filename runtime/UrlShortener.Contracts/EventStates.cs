namespace UrlShortener.Contracts;

/// <summary>States of click events on their way to Kafka, in the answer to GET /health. Others are kinds of faults.</summary>
public static class EventStates
{
    /// <summary>They arrive, or none waits.</summary>
    public const string Delivered = "delivered";

    /// <summary>They arrive, from memory: the disk does not take them.</summary>
    public const string Unwritable = "unwritable";

    /// <summary>Brokers confirm nothing.</summary>
    public const string Unconfirmed = "unconfirmed";

    /// <summary>No broker can be reached.</summary>
    public const string Unreachable = "unreachable";
}
