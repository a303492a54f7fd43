namespace UrlShortener.Load;

/// <summary>A private temporary folder for one run, gone when the run ends. TMPDIR chooses the disk.</summary>
internal sealed class Workspace : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("shortener-load-");

    public Workspace() => DataFolder = _folder.CreateSubdirectory("data").FullName;

    public string Folder => _folder.FullName;

    public string DataFolder { get; }

    public void Dispose() => _folder.Delete(recursive: true);
}
