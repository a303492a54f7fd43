using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using UrlShortener.Operator.Clusters;
using Xunit;

namespace UrlShortener.Operator.Tests.Clusters;

public sealed class KubeconfigTests
{
    internal static readonly string Authority = MakeAuthority();
    private static readonly string Data = Convert.ToBase64String(Encoding.ASCII.GetBytes(Authority));

    [Fact]
    public void Token_WithAuthority_IsTaken()
    {
        var (value, problem) = Read(Text());
        Assert.Null(problem);
        Assert.Equal(("https://192.0.2.1:6443/", "secret"), (value!.Server.ToString(), value.Token));
        Assert.Equal(Authority.Trim(), value.AuthorityPem.Trim());
        Assert.Equal("https://192.0.2.1:6443", value.ToConfiguration().Host);
        Assert.DoesNotContain("secret", value.ToString(), StringComparison.Ordinal);
        // Of several contexts, the current one counts.
        Assert.Null(Read(Text() + "- {name: other, context: {cluster: none, user: none}}\n").Problem);
    }

    [Theory]
    [InlineData("exec: {command: aws}", "user.exec is refused. The operator runs no programs")]
    [InlineData("auth-provider: {name: gcp}", "user.auth-provider is refused. The operator runs no plugins")]
    [InlineData("tokenFile: /var/run/token", "user.tokenFile is refused. Give token")]
    [InlineData("client-certificate: /etc/passwd", "user.client-certificate is refused")]
    [InlineData("client-certificate-data: AAAA", "user.client-certificate-data is refused. Write guards need a token")]
    [InlineData("username: admin", "user.username is refused. Only these are taken: token.")]
    [InlineData("as: system:admin", "user.as is refused")]
    public void User_WithSomethingElse_IsRefusedByName(string extra, string problem) =>
        Assert.StartsWith(problem, Read(Text(user: $"token: secret, {extra}")).Problem, StringComparison.Ordinal);

    [Theory]
    [InlineData("insecure-skip-tls-verify: true", "cluster.insecure-skip-tls-verify is refused. Give the certificates")]
    [InlineData("certificate-authority: /etc/ca.crt", "cluster.certificate-authority is refused. Give certificate-authority-data")]
    [InlineData("proxy-url: http://192.0.2.9", "cluster.proxy-url is refused")]
    [InlineData("tls-server-name: other", "cluster.tls-server-name is refused")]
    public void Cluster_WithSomethingElse_IsRefusedByName(string extra, string problem) =>
        Assert.StartsWith(problem, Read(Text(cluster: $", {extra}")).Problem, StringComparison.Ordinal);

    [Theory]
    [InlineData("http://192.0.2.1:6443", "token: secret", "cluster.server must be an address")]
    [InlineData("https://192.0.2.1:6443/path", "token: secret", "cluster.server must be an address")]
    [InlineData("https://me:you@192.0.2.1", "token: secret", "cluster.server must be an address")]
    [InlineData("https://192.0.2.1", "token: 'two words'", "user.token must be a token")]
    [InlineData("https://192.0.2.1", "token: ''", "user.token must be a token")]
    public void Values_ThatAreNone_AreRefused(string server, string user, string problem) =>
        Assert.StartsWith(problem, Read(Text(server, user)).Problem, StringComparison.Ordinal);

    [Theory]
    [InlineData("{", "It is not YAML.")]
    [InlineData("", "It is not one YAML object.")]
    [InlineData("[1]", "It is not one YAML object.")]
    [InlineData("{}", "current-context is missing.")]
    [InlineData("current-context: a", "The context a is missing.")]
    [InlineData("current-context: a\ncontexts: [{name: a, context: {cluster: b, user: c}}]", "The cluster of context a is missing.")]
    [InlineData("clusters:\n- name: one\n  cluster: { server: \"https://127.0.0.1:1\"\nusers:\n- name: operator\n", "It is not YAML.")]
    public void Files_ThatAreNone_AreRefused(string text, string problem) => Assert.Equal(problem, Read(text).Problem);

    // A mistake in a Secret must not end the reconcile: nobody would learn of it.
    [Fact]
    public void Files_WithMistakesAnywhere_AreReadOrRefused()
    {
        var text = Text();
        for (var i = 0; i < text.Length; i++)
        {
            var line = text.IndexOf('\n', i);
            _ = Read(text[..i]);
            _ = Read(text.Remove(i, 1));
            _ = Read(text[..i] + text[(line < 0 ? i : line)..]);
            foreach (var letter in "{}[]:,#&*!|>'\"%@-?\n\t\\ ")
                _ = Read(text.Insert(i, letter.ToString()));
        }
    }

    // A full stack would end the operator, for all namespaces.
    [Theory]
    [InlineData("[")]
    [InlineData("{a: ")]
    [InlineData("- ")]
    public void Nesting_WithoutEnd_IsRefused(string level) =>
        Assert.Equal("It is nested more than 32 levels deep.", Read(string.Concat(Enumerable.Repeat(level, 250_000 / level.Length))).Problem);

    [Fact]
    public void Guards_HaveATokenOfTheirOwn_IfThereIsAContextForThem()
    {
        Assert.Null(Read(Text()).Value!.GuardToken);
        var (value, problem) = Read(Guarded("token: lesser"));
        Assert.Null(problem);
        Assert.Equal(("secret", "lesser"), (value!.Token, value.GuardToken));
        Assert.DoesNotContain("lesser", value.ToString(), StringComparison.Ordinal);
        // The token that may write is none for them.
        Assert.Equal("The context guard must have the cluster one.", Read(Guarded("token: lesser", "other")).Problem);
        Assert.Equal(
            "The user of context guard is missing.",
            Read(Guarded("token: lesser").Replace("user: three", "user: four", StringComparison.Ordinal)).Problem
        );
        Assert.StartsWith("user.exec is refused.", Read(Guarded("exec: {command: aws}")).Problem, StringComparison.Ordinal);
        Assert.StartsWith("The token of context guard", Read(Guarded("token: ''")).Problem, StringComparison.Ordinal);

        static string Guarded(string user, string cluster = "one") =>
            Text().Replace("users:", $"users:\n- {{name: three, user: {{{user}}}}}", StringComparison.Ordinal)
            + $"- {{name: guard, context: {{cluster: {cluster}, user: three}}}}\n";
    }

    [Fact]
    public void Authorities_ThatAreNone_AreRefused()
    {
        Assert.StartsWith("cluster.certificate-authority-data", Read(Text().Replace(Data, "AAAA", StringComparison.Ordinal)).Problem, StringComparison.Ordinal);
        Assert.StartsWith("cluster.certificate-authority-data", Read(Text().Replace(Data, "!", StringComparison.Ordinal)).Problem, StringComparison.Ordinal);
        // What is switched off harms nobody.
        Assert.Null(Read(Text(cluster: ", insecure-skip-tls-verify: false")).Problem);
    }

    private static (Kubeconfig? Value, string? Problem) Read(string text) => Kubeconfig.Read(Encoding.UTF8.GetBytes(text));

    private static string Text(string server = "https://192.0.2.1:6443", string user = "token: secret", string cluster = "") =>
        $$$"""
            apiVersion: v1
            kind: Config
            current-context: eu
            clusters:
            - {name: one, cluster: {server: "{{{server}}}", certificate-authority-data: "{{{Data}}}"{{{cluster}}}}}
            users:
            - {name: two, user: {{{{user}}}}}
            contexts:
            - {name: eu, context: {cluster: one, user: two, namespace: urlshortener}}

            """;

    private static string MakeAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=authority", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(1));
        return certificate.ExportCertificatePem();
    }
}
