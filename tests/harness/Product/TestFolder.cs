namespace UrlShortener.TestHarness.Product;

/// <summary>A folder that lives as long as a test.</summary>
internal sealed class TestFolder : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("urlshortener-e2e-");

    public string FullName => _directory.FullName;

    /// <summary>The path of something in it.</summary>
    public string PathOf(string name) => Path.Combine(FullName, name);

    public void Dispose() => _directory.Delete(recursive: true);
}
