using System.Diagnostics;
using System.Runtime.Versioning;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Redis;
using Xunit;

namespace UrlShortener.Operator.Tests.Redis;

/// <summary>What the scripts of a pod do about passwords, with a client that answers as a node does.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class RedisScriptTests : IDisposable
{
    // The file "passwords" has those that the node accepts. It tells of users with the hash of a password.
    private const string Client = """
        #!/bin/sh
        while [ "$1" != ping ] && [ "$1" != acl ] && [ "$1" != cluster ] && [ "$1" != info ]; do shift; done
        if ! grep -qx "$REDISCLI_AUTH" "$NODE/passwords"; then
            echo "AUTH failed: WRONGPASS invalid username-password pair or user is disabled."
            echo "NOAUTH Authentication required."
            exit 0
        fi
        case $* in
        ping) echo PONG ;;
        acl*) echo "$*" >>"$NODE/acl"; echo OK; [ "$3" = default ] && cat "$NODE/next" >>"$NODE/passwords" ;;
        "cluster info") echo cluster_state:ok ;;
        esac
        exit 0
        """;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("redis-scripts-");
    private string _output = "";

    public RedisScriptTests()
    {
        foreach (var name in new[] { "config", "auth", "run", "node", "bin" })
            _folder.CreateSubdirectory(name);
        foreach (var (name, text) in RedisConfig.Build(new RedisSpec { Image = "redis:7.2" }))
            Write($"config/{name}", text);
        Write("bin/redis-cli", Client.ReplaceLineEndings("\n"));
        Write("bin/redis-server", "#!/bin/sh\necho started\n");
        foreach (var program in new[] { "redis-cli", "redis-server" })
            File.SetUnixFileMode(PathOf($"bin/{program}"), UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        Secret("one");
        Node("one");
    }

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Ready_SecretHasAPasswordThatTheNodeRefuses_TheNodeAcceptsItToo()
    {
        Assert.Equal(0, await RunAsync("ready.sh"));
        Assert.Equal("requirepass one\nmasterauth one\n", Read("run/auth.conf"));

        Secret("two");
        Assert.Equal(0, await RunAsync("ready.sh"));

        var hash = RedisPasswords.HashOf("two");
        Assert.Equal(
            [$"acl setuser mounted reset #{RedisPasswords.HashOf("one")}", $"acl setuser default #{hash}", $"acl setuser mounted reset #{hash}"],
            Read("node/acl").TrimEnd().Split('\n')
        );
        Assert.Equal("requirepass two\nmasterauth two\n", Read("run/auth.conf"));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(PathOf("run/auth.conf")));
    }

    [Theory]
    [InlineData("")]
    [InlineData("two words")]
    public async Task Scripts_SecretHasNoUsablePassword_GoOnWithTheKeptOne(string password)
    {
        Assert.Equal(0, await RunAsync("ready.sh"));
        Secret(password);

        Assert.Equal(0, await RunAsync("ready.sh"));
        Assert.Equal(0, await RunAsync("live.sh"));
        Assert.Equal(0, await RunAsync("start.sh"));
        Assert.Equal("requirepass one\nmasterauth one\n", Read("run/auth.conf"));
    }

    [Fact]
    public async Task Start_NoUsablePasswordAnywhere_Fails()
    {
        Secret("two words");

        Assert.Equal(1, await RunAsync("start.sh"));
        Assert.Contains("The Secret has no password", _output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Live_NodeRefusesAllPasswordsOfItsPod_Fails()
    {
        Assert.Equal(0, await RunAsync("ready.sh"));
        Secret("two");
        // The kept one is accepted.
        Assert.Equal(0, await RunAsync("live.sh"));

        Node("by-hand");
        Assert.Equal(1, await RunAsync("live.sh"));
        Assert.Equal(1, await RunAsync("ready.sh"));
        Assert.Equal("requirepass one\nmasterauth one\n", Read("run/auth.conf"));
    }

    private void Secret(string password)
    {
        Write("auth/auth.conf", $"requirepass {password}\nmasterauth {password}\n");
        Write("node/next", $"{password}\n");
    }

    private void Node(string password) => Write("node/passwords", $"{password}\n");

    private string PathOf(string name) => Path.Combine(_folder.FullName, name);

    private void Write(string name, string text) => File.WriteAllText(PathOf(name), text);

    private string Read(string name) => File.ReadAllText(PathOf(name));

    private async Task<int> RunAsync(string script)
    {
        var start = new ProcessStartInfo("sh", [PathOf($"config/{script}")]) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PATH"] = $"{PathOf("bin")}:{Environment.GetEnvironmentVariable("PATH")}";
        start.Environment["NODE"] = PathOf("node");
        start.Environment["POD_IP"] = "127.0.0.1";
        start.Environment["POD_NAME"] = "eu-redis-0-0";
        start.Environment["REDIS_HOST"] = "eu-redis";
        foreach (var name in new[] { "config", "auth", "run", "tls" })
            start.Environment[$"REDIS_{name.ToUpperInvariant()}"] = PathOf(name);
        start.Environment["REDIS_DATA"] = PathOf("data");
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        var error = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        _output = await output + await error;
        TestContext.Current.TestOutputHelper?.WriteLine($"{script}: {process.ExitCode} {_output}");
        return process.ExitCode;
    }
}
