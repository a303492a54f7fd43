using UrlShortener.Runtime.Storage.Redis;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage.Redis;

public sealed class RedisEvictionsTests
{
    [Theory]
    [InlineData("# Stats\r\nexpired_keys:3\r\nevicted_keys:42\r\n", 42L)]
    [InlineData("evicted_keys:0", 0L)]
    [InlineData("expired_keys:3\r\n", null)]
    [InlineData("evicted_keys:many\r\n", null)]
    [InlineData("", null)]
    [InlineData(null, null)]
    public void Parse_Info_FindsTheCounter(string? info, long? evicted) => Assert.Equal(evicted, RedisEvictions.Parse(info));

    [Theory]
    // What was evicted before this process looked is not its business.
    [InlineData(null, 1_000, 0)]
    [InlineData(1_000L, 1_010, 10)]
    // The server was started again.
    [InlineData(1_000L, 7, 7)]
    public void Growth_OfACounter_NeverFalls(long? before, long now, long growth) => Assert.Equal(growth, RedisEvictions.Growth(before, now));
}
