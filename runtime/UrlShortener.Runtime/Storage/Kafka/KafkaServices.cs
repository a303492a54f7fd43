using UrlShortener.Runtime.Clicks.Loading;
using UrlShortener.Runtime.Clicks.Publishing;
using UrlShortener.Runtime.Clicks.Results;

namespace UrlShortener.Runtime.Storage.Kafka;

/// <summary>Registers what speaks to Kafka.</summary>
internal static class KafkaServices
{
    /// <summary>Registers the connection, and the producers and consumers of click events. Nothing connects before the first one is made.</summary>
    public static void AddKafka(this IServiceCollection services)
    {
        services.AddSingleton<KafkaConnection>();
        services.AddSingleton<IEventProducerFactory, KafkaProducerFactory>();
        services.AddSingleton<IEventConsumerFactory, KafkaEventConsumerFactory>();
        services.AddSingleton<IResultConsumerFactory, KafkaResultConsumerFactory>();
        services.AddSingleton<IDeadLetters, KafkaDeadLetters>();
    }
}
