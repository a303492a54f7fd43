using System.Text;
using UrlShortener.TestServers.Processes;

namespace UrlShortener.TestServers.Kubernetes;

/// <summary>Writes the files by which clients find a cluster.</summary>
internal static class KubeconfigFile
{
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Writes one for a server, whose certificate <paramref name="authorityPem"/> proves, and a token.</summary>
    /// <returns>The file's path.</returns>
    public static async Task<string> WriteAsync(
        ServerFolder folder,
        string name,
        Uri server,
        string authorityPem,
        string token,
        CancellationToken cancellationToken
    )
    {
        var path = folder.PathOf(name + ".conf");
        var text = $"""
            apiVersion: v1
            kind: Config
            clusters:
            - name: test
              cluster:
                server: "{server.GetLeftPart(UriPartial.Authority)}"
                certificate-authority-data: {Convert.ToBase64String(Encoding.ASCII.GetBytes(authorityPem))}
            users:
            - name: test
              user: {"{"}token: "{token}"{"}"}
            contexts:
            - name: test
              context: {"{"}cluster: test, user: test{"}"}
            current-context: test

            """;
        await WriteSecretAsync(path, text, cancellationToken);
        return path;
    }

    /// <summary>Writes a file that only this user may read.</summary>
    public static async Task WriteSecretAsync(string path, string text, CancellationToken cancellationToken)
    {
        await using var stream = new FileStream(
            path,
            new FileStreamOptions
            {
                Mode = FileMode.Create,
                Access = FileAccess.Write,
                UnixCreateMode = OwnerOnly,
            }
        );
        await stream.WriteAsync(Encoding.UTF8.GetBytes(text), cancellationToken);
    }
}
