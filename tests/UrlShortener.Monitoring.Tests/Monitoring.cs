using UrlShortener.TestServers;
using UrlShortener.TestServers.Monitoring;
using Xunit;

namespace UrlShortener.Monitoring.Tests;

/// <summary>The folder <c>config/monitoring</c>, and the programs that read it.</summary>
internal static class Monitoring
{
    /// <summary>The rule files, in order of their names.</summary>
    public static IReadOnlyList<string> RuleFiles => [.. Directory.GetFiles(PathOf("rules"), "*.yaml").Order(StringComparer.Ordinal)];

    /// <summary>Path of a file of the folder.</summary>
    public static string PathOf(string file) => SourceTree.PathOf("config", "monitoring", file);

    /// <summary>The programs, or a skip with the reason why there are none.</summary>
    public static async Task<MonitoringPrograms> GetProgramsAsync()
    {
        try
        {
            return await MonitoringPrograms.GetAsync(TestContext.Current.CancellationToken);
        }
        catch (ServerUnavailableException e)
        {
            Assert.Skip(e.Message);
            throw;
        }
    }
}
