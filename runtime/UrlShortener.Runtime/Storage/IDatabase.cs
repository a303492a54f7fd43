using UrlShortener.Runtime.Configuration;

namespace UrlShortener.Runtime.Storage;

/// <summary>Opens, checks and migrates the store as a whole.</summary>
internal interface IDatabase
{
    /// <summary>Locks the store for a process that serves, until that process ends. Only for a store from which one process may serve.</summary>
    /// <exception cref="ConfigurationException">The store cannot be used as configured; the message names the setting and the cause.</exception>
    /// <exception cref="InvalidOperationException">Another process serves from the store, or a failure that may be temporary.</exception>
    void Acquire();

    /// <summary>Makes the store ready for a process that serves: migrates the schema if a start is responsible for that, and otherwise checks that the schema
    /// is up to date.</summary>
    /// <param name="isDevelopment">Whether this is the Development environment.</param>
    /// <returns>Whether this start was responsible for the migration.</returns>
    /// <exception cref="ConfigurationException">The store cannot be used as configured; the message names the setting and the cause.</exception>
    /// <exception cref="InvalidOperationException">The store is not ready, or a failure that may be temporary.</exception>
    bool Prepare(bool isDevelopment);

    /// <summary>Whether the configured store exists. True if only a server could answer that; <see cref="Prepare"/> asks it.</summary>
    bool Exists { get; }

    /// <summary>Creates the store if it is missing, and migrates the schema. Safe to run in two processes at once.</summary>
    /// <exception cref="ConfigurationException">The store cannot be used as configured; the message names the setting and the cause.</exception>
    /// <exception cref="InvalidOperationException">A failure that may be temporary.</exception>
    void Migrate();
}
