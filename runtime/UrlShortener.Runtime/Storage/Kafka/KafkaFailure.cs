using Confluent.Kafka;
using UrlShortener.Runtime.Clicks.Publishing;

namespace UrlShortener.Runtime.Storage.Kafka;

/// <summary>Reads the client's errors.</summary>
internal static class KafkaFailure
{
    /// <summary>What an error means for events.</summary>
    public static PublishFailure Read(Error error) => new(KindOf(error.Code), error.Reason);

    private static FailureKind KindOf(ErrorCode code) =>
        code switch
        {
            ErrorCode.Local_Authentication or ErrorCode.SaslAuthenticationFailed or ErrorCode.UnsupportedSaslMechanism or ErrorCode.IllegalSaslState =>
                FailureKind.Authentication,
            ErrorCode.Local_Ssl => FailureKind.Tls,
            ErrorCode.TopicAuthorizationFailed or ErrorCode.ClusterAuthorizationFailed => FailureKind.Authorization,
            ErrorCode.UnknownTopicOrPart or ErrorCode.Local_UnknownTopic or ErrorCode.Local_UnknownPartition => FailureKind.Topic,
            ErrorCode.Local_Transport or ErrorCode.Local_AllBrokersDown or ErrorCode.Local_Resolve or ErrorCode.NetworkException => FailureKind.Unreachable,
            ErrorCode.Local_TimedOut or ErrorCode.Local_MsgTimedOut or ErrorCode.Local_TimedOutQueue or ErrorCode.RequestTimedOut => FailureKind.Unconfirmed,
            ErrorCode.NotEnoughReplicas or ErrorCode.NotEnoughReplicasAfterAppend or ErrorCode.LeaderNotAvailable => FailureKind.Unconfirmed,
            _ => FailureKind.Refused,
        };
}
