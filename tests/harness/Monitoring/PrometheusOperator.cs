using Xunit;

namespace UrlShortener.TestHarness.Monitoring;

/// <summary>The CustomResourceDefinitions of prometheus-operator, which its releases have as files.</summary>
internal static class PrometheusOperator
{
    private const string Variable = "PROMETHEUS_OPERATOR_CRDS";

    private static string Folder =>
        Environment.GetEnvironmentVariable(Variable) ?? SourceTree.PathOf("..", "shared", "test-servers", "crds", "prometheus-operator");

    /// <summary>The folder with all of them. Skips the rest of the test where there is none.</summary>
    public static string FolderOrSkip()
    {
        Assert.SkipUnless(
            Directory.Exists(Folder),
            $"The rest needs the CustomResourceDefinitions of prometheus-operator: set {Variable} to a folder with them (its release has them as files)."
        );
        return Folder;
    }

    /// <summary>The file of one kind. Skips the rest of the test where there is none.</summary>
    /// <param name="plural">The kind's name in API paths.</param>
    public static string FileOrSkip(string plural) => Path.Combine(FolderOrSkip(), $"monitoring.coreos.com_{plural}.yaml");
}
