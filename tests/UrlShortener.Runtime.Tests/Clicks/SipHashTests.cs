using UrlShortener.Runtime.Clicks;
using Xunit;

namespace UrlShortener.Runtime.Tests.Clicks;

public sealed class SipHashTests
{
    // The authors' key and messages: bytes that count up from 0. Results by OpenSSL's SIPHASH with size 16; the first is also in the authors' vectors.
    [Theory]
    [InlineData(0, "a3817f04ba25a8e66df67214c7550293")]
    [InlineData(1, "da87c1d86b99af44347659119b22fc45")]
    [InlineData(4, "f88164c12d9c8faf7d0f6e7c7bcd5579")]
    [InlineData(7, "a1f1ebbed8dbc153c0b84aa61ff08239")]
    [InlineData(8, "3b62a9ba6258f5610f83e264f31497b4")]
    [InlineData(9, "264499060ad9baabc47f8b02bb6d71ed")]
    [InlineData(15, "5493e99933b0a8117e08ec0f97cfc3d9")]
    [InlineData(16, "6ee2a4ca67b054bbfd3315bf85230577")]
    [InlineData(17, "473d06e8738db89854c066c47ae47740")]
    [InlineData(63, "5150d1772f50834a503e069a973fbd7c")]
    public void Hash_BytesThatCountUp_IsTheReferences(int length, string expected)
    {
        var bytes = Enumerable.Range(0, 64).Select(i => (byte)i).ToArray();
        var result = new byte[SipHash.Size];

        SipHash.WithKey(bytes.AsSpan(0, SipHash.KeySize)).Hash(bytes.AsSpan(0, length), result);

        Assert.Equal(expected, Convert.ToHexStringLower(result));
    }
}
