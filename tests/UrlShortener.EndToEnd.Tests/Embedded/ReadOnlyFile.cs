using System.Diagnostics;
using Xunit;
using Xunit.Sdk;

namespace UrlShortener.EndToEnd.Tests.Embedded;

/// <summary>Makes a file that nobody can write. Modes do not bind root, so that for root the file is mounted read-only over itself.</summary>
internal sealed class ReadOnlyFile : IDisposable
{
    private readonly string _path;

    private ReadOnlyFile(string path) => _path = path;

    /// <summary>Makes one. Skips the test, and says why, where root may not mount.</summary>
    public static ReadOnlyFile Make(string path)
    {
        if (OperatingSystem.IsWindows())
            throw SkipException.ForSkip("Windows has no modes of files.");
        if (Environment.UserName != "root")
            File.SetUnixFileMode(path, UnixFileMode.UserRead);
        else if (!Run("mount", "--bind", path, path) || !Run("mount", "-o", "remount,ro,bind", path))
            Assert.Skip("A file cannot be mounted read-only here, and modes do not bind root.");
        return new ReadOnlyFile(path);
    }

    public void Dispose()
    {
        if (Environment.UserName == "root")
            Run("umount", "--lazy", _path);
        else if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(_path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
    }

    private static bool Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.StandardError.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}
