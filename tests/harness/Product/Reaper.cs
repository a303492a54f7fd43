using System.Diagnostics;

namespace UrlShortener.TestHarness.Product;

/// <summary>
/// A shell that outlives this process and kills the products that this one leaves behind, when it was itself killed. It learns of the end by its input, which
/// closes then; a session of its own keeps it from what is sent to all of a terminal's processes.
/// </summary>
internal static class Reaper
{
    private const string Script = """
        left=" "
        while read -r change id; do
            case $change in
                +) left="$left$id " ;;
                -) left="${left%% $id *} ${left#* $id }" ;;
            esac
        done
        for id in $left; do kill -KILL $id; done
        """;

    private static readonly Lock Sync = new();
    private static readonly Process Shell = Start();

    /// <summary>Tells of a product: <c>+</c> that it runs, <c>-</c> that it has ended.</summary>
    public static void Note(char change, int processId)
    {
        lock (Sync)
            Shell.StandardInput.WriteLine($"{change} {processId}");
    }

    private static Process Start()
    {
        var shell = Process.Start(new ProcessStartInfo("setsid", ["sh", "-c", Script]) { RedirectStandardInput = true, RedirectStandardError = true })!;
        shell.StandardInput.AutoFlush = true;
        shell.BeginErrorReadLine();
        return shell;
    }
}
