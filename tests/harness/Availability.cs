using UrlShortener.TestServers;
using Xunit;

namespace UrlShortener.TestHarness;

/// <summary>Servers that a machine may lack.</summary>
internal static class Availability
{
    /// <summary>A server; skips the test, with the reason, where none can be had.</summary>
    public static async Task<T> OrSkipAsync<T>(Task<T> server)
    {
        try
        {
            return await server;
        }
        catch (ServerUnavailableException error)
        {
            Assert.Skip(error.Message);
            throw;
        }
    }
}
