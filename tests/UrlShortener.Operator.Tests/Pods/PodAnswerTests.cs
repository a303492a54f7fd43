using System.Diagnostics;
using k8s.Models;
using UrlShortener.Operator.KeyPools;
using UrlShortener.Operator.Regions;
using Xunit;

namespace UrlShortener.Operator.Tests.Pods;

/// <summary>Answers of pods that are not those of the product: of a proxy, of another program, of an attacker. None of them may end a reconcile.</summary>
public sealed class PodAnswerTests
{
    private const string Head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: ";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static TheoryData<string, string> Answers =>
        new()
        {
            { "another program", "SSH-2.0-OpenSSH_9.2\r\n" },
            { "nothing", "" },
            { "a page", Head + "text/html\r\n\r\n<html>" },
            { "a character set that does not exist", Head + "application/json; charset=none-such\r\n\r\n{}" },
            { "bytes that are not UTF-8", Head + "application/json\r\n\r\n{\"status\":\"\u00ff\u00fe\"" },
            { "deep JSON", Head + "application/json\r\n\r\n" + new string('[', 10_000) },
            { "a number that is too large", Head + "application/json\r\n\r\n{\"level\":1e999,\"status\":1,\"schema\":{\"applied\":99999999999}}" },
            { "more than the limit", Head + "application/json\r\n\r\n\"" + new string('x', AppProbe.MaxBytes) + "\"" },
            { "a large header", $"HTTP/1.1 200 OK\r\nA: {new string('x', 1_000_000)}\r\n\r\n{{}}" },
            { "null", Head + "application/json\r\n\r\nnull" },
            { "less than it said", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{" },
            { "a compression that it does not have", "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n\r\n{" },
        };

    [Theory]
    [MemberData(nameof(Answers))]
    public async Task Answer_OfAnotherProgram_IsNone(string what, string answer)
    {
        await using var pod = new CannedPod(answer);
        using var http = KgsClient.CreateHttp();

        Assert.True(await new AppProbe(http).AskAsync([Ready(pod.Address)], Token) is null, what);
        Assert.False((await new KgsClient(http).ReadStatusAsync(Ready(pod.Address), "token", Token)).IsSuccess, what);
    }

    /// <summary>Otherwise a pod could have the operator ask any address that the operator reaches, such as a cloud's metadata service.</summary>
    [Fact]
    public async Task Redirect_ToAnotherAddress_IsNotFollowed()
    {
        await using var target = new CannedPod(Head + "application/json\r\n\r\n{}");
        await using var pod = new CannedPod($"HTTP/1.1 307 Temporary Redirect\r\nLocation: http://{target.Address}:8080/\r\nContent-Length: 0\r\n\r\n");
        using var http = KgsClient.CreateHttp();

        await new AppProbe(http).AskAsync([Ready(pod.Address)], Token);
        await new KgsClient(http).RefillAsync(Ready(pod.Address), "token", Token);

        Assert.NotEmpty(pod.Requests);
        Assert.Empty(target.Requests);
    }

    /// <summary>The Secret may have been written by hand, with a line break at its end, or from a file.</summary>
    [Theory]
    [InlineData("token\n")]
    [InlineData("token\r\nX-Injected: yes")]
    [InlineData("t\u00f6ken")]
    [InlineData("t\u20acken")]
    [InlineData("\0")]
    public async Task Token_ThatNoHeaderCanHave_IsAFailureWithoutTheToken(string token)
    {
        await using var pod = new CannedPod("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
        using var http = KgsClient.CreateHttp();

        var answer = await new KgsClient(http).ReadStatusAsync(Ready(pod.Address), token, Token);

        Assert.False(answer.IsSuccess);
        Assert.DoesNotContain(token, answer.Failure, StringComparison.Ordinal);
        Assert.DoesNotContain(pod.Requests, request => request.Contains("\nX-Injected", StringComparison.Ordinal));
    }

    [Fact]
    public async Task KeyGeneration_AskedWithinATrace_GetsItsContext()
    {
        await using var pod = new CannedPod("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n");
        using var http = KgsClient.CreateHttp();
        using var span = new Activity("reconcile").SetIdFormat(ActivityIdFormat.W3C).Start();

        await new KgsClient(http).ReadStatusAsync(Ready(pod.Address), "token", Token);

        Assert.Contains($"\ntraceparent: {span.Id}\r\n", Assert.Single(pod.Requests), StringComparison.OrdinalIgnoreCase);
    }

    private static V1Pod Ready(string address) =>
        new()
        {
            Metadata = new V1ObjectMeta { Name = "pod" },
            Status = new V1PodStatus { PodIP = address, Conditions = [new V1PodCondition { Type = "Ready", Status = "True" }] },
        };
}
