using System.Diagnostics;
using System.Net;
using System.Runtime.Versioning;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using UrlShortener.TestServers;
using UrlShortener.TestServers.Processes;
using Xunit;

namespace UrlShortener.Operator.Tests.Postgres;

/// <summary>The program in the image that Patroni asks before a promotion (config/images/postgres/promote.py), with a server in place of all members.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class PromotionProgramTests : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);

    // What each member answers, by its name; one that is absent breaks the connection.
    private readonly Dictionary<string, (int Status, int? Timeline)> _members = [];

    // What PostgreSQL of each member answers.
    private readonly Dictionary<string, int> _servers = [];
    private readonly string _folder = Directory.CreateTempSubdirectory().FullName;
    private WebApplication _app = null!;
    private Uri _address = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        Assert.SkipWhen(Programs.FindFolder(["python3"]) is null, "This machine has no Python.");
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var now = TimeProvider.System.GetUtcNow();
        using var made = new CertificateRequest("CN=member", key, HashAlgorithmName.SHA256).CreateSelfSigned(now.AddMinutes(-5), now.AddHours(1));
        var certificate = X509CertificateLoader.LoadPkcs12(made.Export(X509ContentType.Pfx), null);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttps(certificate)));
        _app = builder.Build();
        _app.Run(AnswerAsync);
        await _app.StartAsync(Token);
        _address = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is not null)
            await _app.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Replica_ThatFollowedALaterPrimary_IsNotPassedOver()
    {
        (_members["eu-postgres-0"], _members["eu-postgres-1"], _members["eu-postgres-2"]) = ((200, 9), (200, 10), (200, 9));

        var (code, text) = await RunAsync();

        Assert.Equal(1, code);
        Assert.Equal("Not promoted: on timeline 9, while eu-postgres-1 is on 10", text);
    }

    [Fact]
    public async Task MemberWhosePostgresDoesNotRun_CountsByWhatItSays()
    {
        (_members["eu-postgres-0"], _members["eu-postgres-1"]) = ((200, 9), (503, 10));

        Assert.Equal(1, (await RunAsync()).Code);
    }

    [Fact]
    public async Task Others_ThatAreBehindOrOnTheSame_OrDoNotAnswer_OrDoNotKnow_AreNoObstacle()
    {
        (_members["eu-postgres-0"], _members["eu-postgres-1"], _members["eu-postgres-2"]) = ((200, 9), (200, 8), (200, 9));
        Assert.Equal((0, ""), await RunAsync());

        _members["eu-postgres-1"] = (503, null);
        _members.Remove("eu-postgres-2");
        Assert.Equal((0, ""), await RunAsync());
    }

    // Patroni takes a timeline that it remembers for the present one, if it is that of the member with the lock.
    [Fact]
    public async Task Timeline_OfPostgres_CountsMoreThanThatOfPatroni()
    {
        (_members["eu-postgres-0"], _members["eu-postgres-1"], _members["eu-postgres-2"]) = ((200, 9), (200, 9), (200, 9));
        (_servers["eu-postgres-0"], _servers["eu-postgres-1"]) = (9, 10);
        Assert.Equal((1, "Not promoted: on timeline 9, while eu-postgres-1 is on 10"), await RunAsync());

        _servers["eu-postgres-0"] = 10;
        Assert.Equal((0, ""), await RunAsync());
    }

    // Patroni decides alone then, as it does in an image without the program.
    [Fact]
    public async Task MemberThatCannotBeAsked_IsPromoted_AndSaysSo()
    {
        var (code, text) = await RunAsync();

        Assert.Equal(0, code);
        Assert.StartsWith("Timelines could not be compared: ", text, StringComparison.Ordinal);
    }

    private Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!.Trim('/').Split('/');
        if (path is ["cluster"] && _members.ContainsKey("eu-postgres-0"))
        {
            string[] all = ["eu-postgres-0", "eu-postgres-1", "eu-postgres-2"];
            return context.Response.WriteAsJsonAsync(
                new
                {
                    members = all.Select(name => new
                    {
                        name,
                        api_url = $"{_address}{name}/patroni",
                        host = name,
                        port = 5432,
                    }),
                }
            );
        }

        if (!_members.TryGetValue(path is ["patroni"] ? "eu-postgres-0" : path[0], out var member))
        {
            context.Abort();
            return Task.CompletedTask;
        }

        context.Response.StatusCode = member.Status;
        return context.Response.WriteAsync(
            member.Timeline is { } timeline ? JsonSerializer.Serialize(new { state = "running", timeline }) : """{"state": "starting"}"""
        );
    }

    private async Task<(int Code, string Text)> RunAsync()
    {
        var start = new ProcessStartInfo("python3", [Checkout.PathOf("config/images/postgres/promote.py")]) { RedirectStandardError = true };
        start.Environment["MEMBER_NAME"] = "eu-postgres-0";
        start.Environment["MEMBER_ADDRESS"] = $"127.0.0.1:{_address.Port}";
        start.Environment["PATH"] = $"{WritePsql()}:{start.Environment["PATH"]}";
        using var process = Process.Start(start)!;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Token);
        limit.CancelAfter(Limit);
        try
        {
            var text = await process.StandardError.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, text.Trim());
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }
    }

    // In place of PostgreSQL: answers for the members that are known, by their names, and fails for others.
    private string WritePsql()
    {
        var cases = string.Concat(_servers.Select(one => $"*host={one.Key}\\ *user=replicator\\ *replication=yes*) echo '1|{one.Value}|0/0|';;\n"));
        var file = Path.Combine(_folder, "psql");
        File.WriteAllText(file, $"#!/bin/sh\n[ \"$2\" = IDENTIFY_SYSTEM ] || exit 3\ncase \"$3\" in\n{cases}*) exit 2;;\nesac\n");
        File.SetUnixFileMode(file, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.UserWrite);
        return _folder;
    }
}
