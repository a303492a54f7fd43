using System.Formats.Tar;
using System.IO.Compression;
using System.Net;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Text;
using UrlShortener.TestServers.Kubernetes;
using UrlShortener.TestServers.Processes;
using Xunit;

namespace UrlShortener.TestServers.Tests;

/// <summary>The download of test programs, from an HTTP server of the test.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class EnvtestDownloadTests : IAsyncDisposable
{
    private const string ArchivePath = "/envtest.tar.gz";
    private const string ControllersPath = "/kube-controller-manager";
    private static readonly byte[] Controllers = "controllers"u8.ToArray();
    private static readonly byte[] Archive = BuildArchive("etcd", "kube-apiserver", "kubectl");

    private readonly int _port = Ports.Take();
    private readonly HttpListener _server = new();
    private readonly TaskCompletionSource _ended = new();
    private readonly string _folder = Path.Combine(Directory.CreateTempSubdirectory("envtest-").FullName, "programs");
    private readonly HttpClient _http = new() { Timeout = Timeout.InfiniteTimeSpan };
    private readonly Task _serving;

    public EnvtestDownloadTests()
    {
        _server.Prefixes.Add($"http://127.0.0.1:{_port}/");
        _server.Start();
        _serving = ServeAsync();
    }

    /// <summary>What the server has, by path. Null: the headers, a byte, and then nothing.</summary>
    private Dictionary<string, byte[]?> Files { get; } =
        new()
        {
            [ArchivePath] = Archive,
            [ControllersPath] = Controllers,
            [ControllersPath + ".sha512"] = Encoding.ASCII.GetBytes(Digest(Controllers) + "\n"),
        };

    [Fact]
    public async Task Run_GoodArchive_PutsExecutableProgramsIntoTheFolder()
    {
        Assert.Null(await RunAsync());

        Assert.Equal(
            ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl"],
            Directory.GetFiles(_folder).Select(Path.GetFileName).Order(StringComparer.Ordinal)
        );
        Assert.Equal("I am etcd", await File.ReadAllTextAsync(Path.Combine(_folder, "etcd"), TestContext.Current.CancellationToken));
        Assert.All(Directory.GetFiles(_folder), file => Assert.True(File.GetUnixFileMode(file).HasFlag(UnixFileMode.UserExecute)));
        AssertNothingElseIsLeft(1);
    }

    [Fact]
    public async Task Run_WrongChecksum_IsRefusedAndLeavesNothing()
    {
        var reason = await RunAsync(new string('0', 128));
        Assert.Contains($"has the SHA-512 checksum {Digest(Archive)}", reason, StringComparison.Ordinal);
        AssertNothingElseIsLeft(0);
    }

    [Fact]
    public async Task Run_WrongChecksumOfTheControllers_IsRefusedAndLeavesNothing()
    {
        Files[ControllersPath] = "others"u8.ToArray();
        Assert.Contains($"{ControllersPath} has the SHA-512 checksum", await RunAsync(), StringComparison.Ordinal);
        AssertNothingElseIsLeft(0);
    }

    [Fact]
    public async Task Run_ServerThatStalls_GivesUp()
    {
        Files[ArchivePath] = null;
        Assert.Contains("sent nothing for", await RunAsync(answerLimit: TimeSpan.FromMilliseconds(300)), StringComparison.Ordinal);
        AssertNothingElseIsLeft(0);
    }

    [Fact]
    public async Task Run_DownloadThatTakesTooLong_GivesUp()
    {
        Files[ArchivePath] = null;
        Assert.Contains("exceeded 0.3 s", await RunAsync(totalLimit: TimeSpan.FromMilliseconds(300)), StringComparison.Ordinal);
        AssertNothingElseIsLeft(0);
    }

    [Fact]
    public async Task Run_NoSuchFile_NamesTheAnswer()
    {
        Files.Remove(ArchivePath);
        Assert.Contains($"{ArchivePath} answers 404", await RunAsync(), StringComparison.Ordinal);
        AssertNothingElseIsLeft(0);
    }

    [Fact]
    public async Task Run_NoServer_SaysSo()
    {
        _server.Stop();
        Assert.Contains("cannot be read", await RunAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_ArchiveWithoutAProgram_IsRefused()
    {
        var archive = BuildArchive("etcd", "kubectl");
        Files[ArchivePath] = archive;
        Assert.Equal("the archive does not contain kube-apiserver", await RunAsync(Digest(archive)));
        AssertNothingElseIsLeft(0);
    }

    [Theory]
    [InlineData("1.37", Architecture.X64, true)]
    [InlineData("1.37.0", Architecture.Arm64, true)]
    [InlineData("1.3", Architecture.X64, false)]
    [InlineData("1.34", Architecture.X64, false)]
    [InlineData("1.37", Architecture.S390x, false)]
    public void Find_Version_ReturnsWhatIsPinned(string version, Architecture architecture, bool isPinned)
    {
        var source = EnvtestSource.Find(version, architecture);
        Assert.Equal(isPinned, source is not null);
        Assert.True(
            source is null
                || (source.ArchiveDigest.Length == 128 && source.Archive.Scheme == Uri.UriSchemeHttps && source.ControllerManager.Scheme == Uri.UriSchemeHttps)
        );
    }

    public async ValueTask DisposeAsync()
    {
        _ended.SetResult();
        _server.Close();
        await _serving;
        _http.Dispose();
        Directory.Delete(Path.GetDirectoryName(_folder)!, recursive: true);
    }

    private Task<string?> RunAsync(string? digest = null, TimeSpan? answerLimit = null, TimeSpan? totalLimit = null) =>
        new EnvtestDownload(_http, answerLimit ?? TimeSpan.FromMinutes(1), totalLimit ?? TimeSpan.FromMinutes(1)).RunAsync(
            new EnvtestSource("1.37.0", At(ArchivePath), digest ?? Digest(Archive), At(ControllersPath)),
            _folder,
            TestContext.Current.CancellationToken
        );

    private void AssertNothingElseIsLeft(int expected) => Assert.Equal(expected, Directory.GetFileSystemEntries(Path.GetDirectoryName(_folder)!).Length);

    private Uri At(string path) => new($"http://127.0.0.1:{_port}{path}");

    private async Task ServeAsync()
    {
        while (true)
        {
            HttpListenerContext request;
            try
            {
                request = await _server.GetContextAsync();
            }
            catch (Exception error) when (error is HttpListenerException or ObjectDisposedException or InvalidOperationException)
            {
                return;
            }

            _ = AnswerAsync(request);
        }
    }

    private async Task AnswerAsync(HttpListenerContext request)
    {
        try
        {
            using var response = request.Response;
            if (!Files.TryGetValue(request.Request.Url!.AbsolutePath, out var content))
            {
                response.StatusCode = 404;
                return;
            }

            response.ContentLength64 = content?.Length ?? 1_000;
            await response.OutputStream.WriteAsync(content ?? new byte[1]);
            await response.OutputStream.FlushAsync();
            if (content is null)
                await _ended.Task;
        }
        catch (Exception error) when (error is HttpListenerException or ObjectDisposedException or InvalidOperationException)
        {
            // The client gave up, as the test wants.
        }
    }

    private static string Digest(byte[] content) => Convert.ToHexStringLower(SHA512.HashData(content));

    private static byte[] BuildArchive(params string[] programs)
    {
        using var archive = new MemoryStream();
        using (var packed = new GZipStream(archive, CompressionLevel.Fastest, leaveOpen: true))
        using (var entries = new TarWriter(packed))
        {
            foreach (var program in programs)
            {
                entries.WriteEntry(
                    new PaxTarEntry(TarEntryType.RegularFile, $"controller-tools/envtest/{program}")
                    {
                        DataStream = new MemoryStream(Encoding.ASCII.GetBytes($"I am {program}")),
                    }
                );
            }
        }

        return archive.ToArray();
    }
}
