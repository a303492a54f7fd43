using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging.Console;

namespace UrlShortener.Runtime.Telemetry;

/// <summary>Registers what writes the log.</summary>
internal static class LoggingServices
{
    /// <summary>Puts <see cref="FailureLines"/> before the console, which is registered already.</summary>
    /// <param name="logging">The log.</param>
    /// <param name="isOfDependency">Whether an exception tells of a server, the network or a disk.</param>
    public static void AddFailureLines(this ILoggingBuilder logging, Func<Exception, bool> isOfDependency)
    {
        var console = logging.Services.Single(service =>
            service.ServiceType == typeof(ILoggerProvider) && service.ImplementationType == typeof(ConsoleLoggerProvider)
        );
        logging.Services.Remove(console);
        logging.Services.TryAddSingleton<ConsoleLoggerProvider>();
        logging.Services.AddSingleton<ILoggerProvider>(provider => new FailureLines(
            provider.GetRequiredService<ConsoleLoggerProvider>(),
            isOfDependency,
            TimeProvider.System
        ));
    }
}
