namespace UrlShortener.Load.Cases;

/// <summary>What every case measures with.</summary>
internal sealed record CaseContext(ServersOptions Options, Backends Backends, Wrk Wrk, string Folder, Action<string> Progress)
{
    /// <summary>Writes paths to a file of the run's folder, and returns where it is.</summary>
    public async Task<string> WritePathsAsync(string name, IEnumerable<string> paths, CancellationToken cancellationToken)
    {
        var file = Path.Combine(Folder, name);
        await File.WriteAllLinesAsync(file, paths, cancellationToken);
        return file;
    }
}
