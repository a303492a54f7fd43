using System.Globalization;

namespace UrlShortener.Load;

/// <summary>Redirects while others ask for the largest QR codes: how much of their rate they keep.</summary>
internal sealed class PicturesRun(PicturesOptions options, Action<string> progress)
{
    private const string Largest = "/qr?size=2048&error_correction=H";
    private const int WarmUpSeconds = 3;

    // Longer than the redirects beside it, so that no part of those is measured alone.
    private const int Margin = 2;

    public async Task<PicturesReport> RunAsync(Workspace workspace, CancellationToken cancellationToken)
    {
        var wrk = await Wrk.PrepareAsync(workspace.Folder, options.Threads, cancellationToken);
        await using var product = await Product.StartAsync(Executables.FindProduct(options.Product), workspace.DataFolder, cancellationToken);
        var paths = await product.CreateLinksAsync(options.Links, cancellationToken);
        var links = await WriteAsync(workspace, "paths", paths, cancellationToken);
        var same = await WriteAsync(workspace, "same", [Address(paths[0], Largest)], cancellationToken);
        // Every link's picture at many sizes: more than memory holds, so that nearly every request has one drawn or is refused.
        var different = await WriteAsync(
            workspace,
            "different",
            Enumerable
                .Range(0, 64)
                .SelectMany(step =>
                    paths.Select(path => Address(path, string.Create(CultureInfo.InvariantCulture, $"/qr?size={2048 - step}&error_correction=H")))
                ),
            cancellationToken
        );

        var load = new LoadProfile("redirects", options.Connections, options.Seconds);
        progress("warm-up");
        var errors = (await wrk.RedirectAsync(product.Server.Address, links, load with { Seconds = WarmUpSeconds }, strict: true, cancellationToken)).Errors;
        var rounds = new List<PicturesRound>();
        for (var number = 1; number <= options.Rounds; number++)
        {
            progress($"round {number}");
            var alone = await wrk.RedirectAsync(product.Server.Address, links, load, strict: false, cancellationToken);
            await product.DrainAsync(cancellationToken);
            var (besideSame, samePictures) = await MeasureAsync(wrk, product, links, same, load, cancellationToken);
            var (besideDifferent, differentPictures) = await MeasureAsync(wrk, product, links, different, load, cancellationToken);
            rounds.Add(new PicturesRound(alone, besideSame, samePictures, besideDifferent, differentPictures));
        }

        var report = new PicturesReport
        {
            Machine = Machine.Describe(workspace.DataFolder),
            Load = load,
            Rounds = rounds,
            ResidentBytes = product.Server.ReadMemory("VmRSS"),
            // Pictures of the second kind are refused with 503 by right; everything else must be answered.
            Errors = errors + rounds.Sum(round => round.Alone.Errors + round.BesideSame.Errors + round.SamePictures.Errors + round.BesideDifferent.Errors),
        };
        await product.Server.StopAsync(cancellationToken);
        return report;
    }

    private static string Address(string path, string rest) => $"/api/v1/urls{path}{rest}";

    private static async Task<string> WriteAsync(Workspace workspace, string name, IEnumerable<string> lines, CancellationToken cancellationToken)
    {
        var file = Path.Combine(workspace.Folder, name);
        await File.WriteAllLinesAsync(file, lines, cancellationToken);
        return file;
    }

    private static async Task<(Measurement Redirects, Measurement Pictures)> MeasureAsync(
        Wrk wrk,
        Product product,
        string links,
        string pictures,
        LoadProfile load,
        CancellationToken cancellationToken
    )
    {
        var address = product.Server.Address;
        var asking = wrk.PicturesAsync(
            address,
            pictures,
            new LoadProfile("pictures", PicturesOptions.PictureConnections, load.Seconds + Margin),
            cancellationToken
        );
        await Task.Delay(TimeSpan.FromSeconds(Margin / 2.0), cancellationToken);
        var redirects = await wrk.RedirectAsync(address, links, load, strict: false, cancellationToken);
        var measured = await asking;
        await product.DrainAsync(cancellationToken);
        return (redirects, measured);
    }
}
