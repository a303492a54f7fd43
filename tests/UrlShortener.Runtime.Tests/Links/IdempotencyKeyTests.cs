using System.Buffers;
using System.Text;
using FsCheck.Xunit;
using UrlShortener.Runtime.Links;
using Xunit;

namespace UrlShortener.Runtime.Tests.Links;

public sealed class IdempotencyKeyTests
{
    [Fact]
    public void IsValid_Text_IsPrintableAsciiUpTo255()
    {
        Assert.True(IdempotencyKey.IsValid("a"));
        Assert.True(IdempotencyKey.IsValid("8e03978e-40d5-43e8-bc93-6894a57f9324 ~!"));
        Assert.True(IdempotencyKey.IsValid(new string('k', 255)));
        foreach (var text in new[] { "", new string('k', 256), "é", "a\tb", "a\nb", "\u007f", "😀" })
            Assert.False(IdempotencyKey.IsValid(text));
    }

    [Fact]
    public void Of_SameRequest_IsEqual() => Assert.Equal(Of("user:1", "key", "/path", "body"), Of("user:1", "key", "/path", "body"));

    [Fact]
    public void Of_OtherCallerOrKey_IsAnotherKeyForTheSameRequest()
    {
        var key = Of("user:1", "key", "/path", "body");

        Assert.NotEqual(key.Key, Of("user:2", "key", "/path", "body").Key);
        Assert.NotEqual(key.Key, Of("user:1", "kez", "/path", "body").Key);
        Assert.NotEqual(Of("user:1", "1key", "/path", "body").Key, Of("user:11", "key", "/path", "body").Key);
        Assert.Equal(key.RequestHash, Of("user:2", "kez", "/path", "body").RequestHash);
    }

    [Fact]
    public void Of_OtherPathOrBody_IsAnotherRequestUnderTheSameKey()
    {
        var key = Of("user:1", "key", "/path", "body");

        foreach (var other in new[] { Of("user:1", "key", "/other", "body"), Of("user:1", "key", "/path", "bodz"), Of("user:1", "key", "/path", "") })
        {
            Assert.Equal(key.Key, other.Key);
            Assert.NotEqual(key.RequestHash, other.RequestHash);
        }
    }

    [Property]
    public void Of_AnyInput_IsTwoDigests(string? caller, string? key, string? path, byte[]? body)
    {
        var retry = IdempotencyKey.Of(caller ?? "", key ?? "", path ?? "", new ReadOnlySequence<byte>(body ?? []));
        Assert.Equal((64, 64), (retry.Key.Length, retry.RequestHash.Length));
    }

    private static IdempotencyKey Of(string caller, string key, string path, string body) =>
        IdempotencyKey.Of(caller, key, path, new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(body)));
}
