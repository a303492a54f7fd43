using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Storage;

/// <summary>The store as a whole.</summary>
internal interface IDatabase
{
    /// <summary>Takes the store for a process that serves, until that process ends, where only one may serve from it.</summary>
    /// <exception cref="ConfigurationException">It cannot be used as configured; the message names the setting and the cause.</exception>
    /// <exception cref="InvalidOperationException">Another process serves from it, or it fails for a reason that may pass.</exception>
    void Acquire();

    /// <summary>Makes the store ready for a process that serves: brings the tables up to date where that is a start's business, and otherwise checks that they
    /// are.</summary>
    /// <param name="isDevelopment">Whether this is the Development environment.</param>
    /// <returns>Whether the tables were this start's business.</returns>
    /// <exception cref="ConfigurationException">It cannot be used as configured; the message names the setting and the cause.</exception>
    /// <exception cref="InvalidOperationException">It is not ready, or fails for a reason that may pass.</exception>
    bool Prepare(bool isDevelopment);

    /// <summary>Whether there is a store where the settings say. True where only a server could tell; <see cref="Prepare"/> asks it.</summary>
    bool Exists { get; }

    /// <summary>Makes what is missing and brings the tables up to date. Safe when two processes do it at once.</summary>
    /// <exception cref="ConfigurationException">It cannot be used as configured; the message names the setting and the cause.</exception>
    /// <exception cref="InvalidOperationException">It fails for a reason that may pass.</exception>
    void Migrate();
}
