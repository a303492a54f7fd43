using System.Formats.Tar;
using System.IO.Compression;
using System.Net;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using System.Text;

namespace UrlShortener.TestServers.Kubernetes;

/// <summary>Downloads the programs of a control plane that Kubernetes publishes for tests, and verifies their checksums.</summary>
/// <param name="http">Client without a time limit of its own.</param>
/// <param name="answerLimit">Maximum time until a server sends something, at the start and in between.</param>
/// <param name="totalLimit">Maximum time of all downloads together.</param>
internal sealed class EnvtestDownload(HttpClient http, TimeSpan answerLimit, TimeSpan totalLimit)
{
    private const long MaxBytes = 512L * 1024 * 1024;
    private const int BufferBytes = 1 << 17;
    private const int DigestDigits = 2 * SHA512.HashSizeInBytes;
    private const string ControllerManager = "kube-controller-manager";
    private const UnixFileMode Executable = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private static readonly string[] Archived = ["etcd", "kube-apiserver", "kubectl"];

    // A machine without access to the servers finds out within seconds.
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan TotalLimit = TimeSpan.FromMinutes(5);

    /// <summary>Downloads with the usual limits.</summary>
    /// <inheritdoc cref="RunAsync(EnvtestSource, string, CancellationToken)" />
    public static async Task<string?> RunOnceAsync(EnvtestSource source, string folder, CancellationToken cancellationToken)
    {
        using var handler = new SocketsHttpHandler { ConnectTimeout = ConnectLimit };
        using var http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        return await new EnvtestDownload(http, AnswerLimit, TotalLimit).RunAsync(source, folder, cancellationToken);
    }

    /// <summary>Puts the programs into a folder that does not exist yet. It appears only when all of them are there and verified.</summary>
    /// <returns>Why it failed; null: the folder has the programs.</returns>
    public async Task<string?> RunAsync(EnvtestSource source, string folder, CancellationToken cancellationToken)
    {
        var partial = $"{folder}.{Guid.NewGuid():N}.part";
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limited.CancelAfter(totalLimit);
        try
        {
            Directory.CreateDirectory(partial);
            var archive = Path.Combine(partial, "archive");
            await FetchAsync(source.Archive, archive, source.ArchiveDigest, limited.Token);
            await ExtractAsync(archive, partial, limited.Token);
            File.Delete(archive);

            // No checksum of this program is pinned: the publisher's own guards against damage, TLS against others.
            var digest = await ReadDigestAsync(new Uri(source.ControllerManager + ".sha512"), limited.Token);
            var program = Path.Combine(partial, ControllerManager);
            await FetchAsync(source.ControllerManager, program, digest, limited.Token);
            File.SetUnixFileMode(program, Executable);
            Directory.Move(partial, folder);
            return null;
        }
        catch (DownloadException error)
        {
            return error.Message;
        }
        catch (Exception error) when (error is IOException or InvalidDataException or UnauthorizedAccessException)
        {
            return $"{source.Archive} cannot be stored in {folder}: {error.Message}";
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return $"the download of {source.Archive} exceeded {totalLimit.TotalSeconds:0.#} s";
        }
        finally
        {
            if (Directory.Exists(partial))
                Directory.Delete(partial, recursive: true);
        }
    }

    private async Task FetchAsync(Uri address, string file, string digest, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA512);
        await using (var output = new FileStream(file, FileMode.CreateNew, FileAccess.Write))
        {
            var length = 0L;
            await foreach (var part in ReadAsync(address, cancellationToken))
            {
                if ((length += part.Length) > MaxBytes)
                    throw new DownloadException($"{address} has more than {MaxBytes >> 20} MB");
                hash.AppendData(part.Span);
                await output.WriteAsync(part, cancellationToken);
            }
        }

        var actual = Convert.ToHexStringLower(hash.GetHashAndReset());
        if (!actual.Equals(digest, StringComparison.OrdinalIgnoreCase))
            throw new DownloadException($"{address} has the SHA-512 checksum {actual} instead of {digest}");
    }

    private async Task<string> ReadDigestAsync(Uri address, CancellationToken cancellationToken)
    {
        var text = new List<byte>();
        await foreach (var part in ReadAsync(address, cancellationToken))
        {
            text.AddRange(part.Span);
            if (text.Count > 2 * DigestDigits)
                break;
        }

        var digest = Encoding.ASCII.GetString([.. text]).Trim();
        return digest.Length == DigestDigits && digest.All(char.IsAsciiHexDigit) ? digest : throw new DownloadException($"{address} is not a SHA-512 checksum");
    }

    // Each part is valid until the next one is asked for.
    private async IAsyncEnumerable<ReadOnlyMemory<byte>> ReadAsync(Uri address, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var response = await LimitAsync(address, token => http.GetAsync(address, HttpCompletionOption.ResponseHeadersRead, token), cancellationToken);
        if (response.StatusCode != HttpStatusCode.OK)
            throw new DownloadException($"{address} answers {(int)response.StatusCode}");
        await using var content = await response.Content.ReadAsStreamAsync(cancellationToken);
        var buffer = new byte[BufferBytes];
        while (await LimitAsync(address, token => content.ReadAsync(buffer, token).AsTask(), cancellationToken) is > 0 and var length)
            yield return buffer.AsMemory(0, length);
    }

    private async Task<T> LimitAsync<T>(Uri address, Func<CancellationToken, Task<T>> stepAsync, CancellationToken cancellationToken)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limited.CancelAfter(answerLimit);
        try
        {
            return await stepAsync(limited.Token);
        }
        catch (OperationCanceledException) when (limited.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new DownloadException($"{address} sent nothing for {answerLimit.TotalSeconds:0.#} s");
        }
        catch (Exception error) when (error is HttpRequestException or IOException or TaskCanceledException && !cancellationToken.IsCancellationRequested)
        {
            throw new DownloadException($"{address} cannot be read: {error.Message}");
        }
    }

    private static async Task ExtractAsync(string archive, string folder, CancellationToken cancellationToken)
    {
        await using var file = File.OpenRead(archive);
        await using var unpacked = new GZipStream(file, CompressionMode.Decompress);
        await using var entries = new TarReader(unpacked);
        while (await entries.GetNextEntryAsync(copyData: false, cancellationToken) is { } entry)
        {
            // By file name alone: no path of the archive is used.
            if (entry.EntryType is not (TarEntryType.RegularFile or TarEntryType.V7RegularFile) || !Archived.Contains(Path.GetFileName(entry.Name)))
                continue;
            var program = Path.Combine(folder, Path.GetFileName(entry.Name));
            await entry.ExtractToFileAsync(program, overwrite: false, cancellationToken);
            File.SetUnixFileMode(program, Executable);
        }

        if (Archived.FirstOrDefault(name => !File.Exists(Path.Combine(folder, name))) is { } missing)
            throw new DownloadException($"the archive does not contain {missing}");
    }

    private sealed class DownloadException(string message) : Exception(message);
}
