using System.Diagnostics;
using Xunit;

namespace UrlShortener.Chaos.Tests.Product;

/// <summary>
/// Host names that only the processes of a test know, and forget when they are told to: these processes have a mount namespace of their own, in which files
/// of the test stand in the place of the system's.
/// </summary>
internal sealed class PrivateNames : IDisposable
{
    private readonly TestFolder _folder = new();

    private PrivateNames()
    {
        Write("nsswitch.conf", "hosts: files");
        Write("resolv.conf", "");
        Write("hosts", "");
    }

    /// <summary>Makes the files. Skips the test, and says why, where a process cannot have a mount namespace.</summary>
    public static async Task<PrivateNames> CreateAsync(CancellationToken cancellationToken)
    {
        if (!OperatingSystem.IsLinux())
            Assert.Skip("Names of a process' own need mount namespaces, which Linux has.");
        if (!Environment.IsPrivilegedProcess)
            Assert.Skip("Names of a process' own need a mount namespace, and only root may make one.");
        var names = new PrivateNames();
        try
        {
            using var trial = Process.Start(new ProcessStartInfo("unshare", [.. names.Wrap("true").Skip(1)]) { RedirectStandardError = true });
            var error = await trial!.StandardError.ReadToEndAsync(cancellationToken);
            await trial.WaitForExitAsync(cancellationToken);
            if (trial.ExitCode != 0)
                Assert.Skip($"Names of a process' own need a mount namespace, which cannot be had here: {error.Trim()}");
            return names;
        }
        catch (System.ComponentModel.Win32Exception error)
        {
            names.Dispose();
            Assert.Skip($"Names of a process' own need unshare (util-linux): {error.Message}");
            throw;
        }
        catch
        {
            names.Dispose();
            throw;
        }
    }

    /// <summary>The command that becomes another one with these names; arguments may be added to it.</summary>
    public IReadOnlyList<string> Wrap(string command) =>
        [
            "unshare",
            "--mount",
            "--propagation",
            "private",
            "sh",
            "-c",
            """
                for file in hosts resolv.conf nsswitch.conf; do mount --bind "$1/$file" "/etc/$file" || exit 1; done
                shift
                exec "$@"
                """,
            "sh",
            _folder.FullName,
            command,
        ];

    /// <summary>Lets names be resolved to 127.0.0.1.</summary>
    public void Know(IEnumerable<string> names) => Write("hosts", string.Concat(names.Select(name => $"127.0.0.1 {name}\n")));

    /// <summary>Lets no name be resolved any more.</summary>
    public void Forget() => Write("hosts", "");

    /// <inheritdoc />
    public void Dispose() => _folder.Dispose();

    // In place: what stands elsewhere is this very file, not its name.
    private void Write(string file, string text)
    {
        using var stream = new FileStream(_folder.PathOf(file), FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite);
        stream.SetLength(0);
        stream.Write(System.Text.Encoding.ASCII.GetBytes(text));
    }
}
