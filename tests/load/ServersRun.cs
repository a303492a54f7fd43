using System.Runtime.CompilerServices;
using UrlShortener.Load.Cases;

namespace UrlShortener.Load;

/// <summary>Everything that is promised of the product on PostgreSQL and Redis, a case at a time.</summary>
internal sealed class ServersRun(ServersOptions options, Action<string> progress)
{
    private static readonly ILoadCase[] Cases =
    [
        new WarmRedirects(),
        new ColdRedirects(),
        new Creations(),
        new BulkCreations(),
        new MixedLoad(),
        new ZipfRedirects(),
        new KeyGeneration(),
        new Statistics(),
    ];

    /// <summary>The words by which cases are chosen, in the order in which they run.</summary>
    public static string[] Names => [.. Cases.Select(item => item.Name)];

    /// <summary>Runs the cases named, or all when none is. Each has a database and processes of its own.</summary>
    public async IAsyncEnumerable<CaseReport> RunAsync(
        Workspace workspace,
        IReadOnlyCollection<string> names,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var wrk = await Wrk.PrepareAsync(workspace.Folder, options.Threads, cancellationToken);
        progress("starting PostgreSQL and Redis");
        await using var backends = await Backends.StartAsync(options.Product, cancellationToken);
        foreach (var item in Cases.Where(item => names.Count == 0 || names.Contains(item.Name)))
        {
            var installation = await backends.InstallAsync($"load_{item.Name}", cancellationToken);
            var context = new CaseContext(options, backends, wrk, workspace.Folder, what => progress($"{item.Name}: {what}"));
            yield return await item.RunAsync(context, installation, cancellationToken);
            await backends.RemoveAsync(installation, cancellationToken);
        }
    }
}
