using System.Globalization;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.RateLimiting;

/// <summary>Steps of tests of limits.</summary>
internal static class Limits
{
    // Far more than any limit here, also when the machine is so slow that tokens come back meanwhile.
    private const int MostTries = 200;

    /// <summary>Sends until a request is refused.</summary>
    public static async Task<(List<Reply> Passed, Reply Refused)> ExhaustAsync(Func<Task<Reply>> send)
    {
        var passed = new List<Reply>();
        while (passed.Count < MostTries)
        {
            var reply = await send();
            if (reply.Status == 429)
                return (passed, reply);
            passed.Add(reply);
        }

        Assert.Fail($"None of {MostTries} requests was refused.");
        throw new InvalidOperationException();
    }

    /// <summary>Fails unless an answer tells of a limit as it should.</summary>
    public static void AssertIsLimited(Reply reply, string policy, int limit)
    {
        var retryAfter = reply.ShouldBeProblem(429, "RATE_LIMIT_EXCEEDED").GetProperty("retry_after").GetInt32();
        Assert.InRange(retryAfter, 1, 60);
        Assert.Equal(retryAfter.ToString(CultureInfo.InvariantCulture), reply.Header("Retry-After"));
        Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"\"{policy}\";q={limit};w=60"), reply.Header("RateLimit-Policy"));
        Assert.Matches($"^\"{policy}\";r=0;t=[0-9]+$", reply.Header("RateLimit"));
    }
}
