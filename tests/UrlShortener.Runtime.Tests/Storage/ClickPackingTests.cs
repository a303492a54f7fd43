using FsCheck.Xunit;
using UrlShortener.Runtime.Clicks;
using UrlShortener.Runtime.Storage;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage;

public sealed class ClickPackingTests
{
    private static readonly DateTimeOffset Start = new(2026, 11, 30, 8, 26, 5, 7, TimeSpan.Zero);

    [Property]
    public void PackWithCodes_AnyClicks_AreReadBackWithShortHashes(string?[] texts, ushort[] offsets, byte device, bool isBot, ulong hash)
    {
        string? Text(int i) => texts.Length == 0 ? null : texts[i % texts.Length];
        var clicks = offsets
            .Select(
                (offset, i) =>
                    new StoredClick(
                        $"code{i % 3}",
                        Start.AddMilliseconds(offset),
                        Clean(Text(i)),
                        Clean(Text(i + 1)),
                        Clean(Text(i + 2)),
                        i % 4 == 0 ? default : new AddressHash(hash | 1, hash, 3, 4),
                        Clean(Text(i + 3)),
                        Clean(Text(i + 4)),
                        (DeviceClass)((device + i) & 3),
                        isBot ^ (i % 2 == 0)
                    )
            )
            .ToList();

        var packed = new ClickPacking().PackWithCodes(clicks, Start.ToUnixTimeMilliseconds()).ToArray();

        Assert.Equal(clicks.Select(click => click with { IpHash = new AddressHash(click.IpHash.First, 0, 0, 0) }), Unpack(packed));
        Assert.Equal(clicks.Count, ClickPacking.CountOf(packed.AsSpan(0, Math.Min(packed.Length, ClickPacking.HeaderBytes))));
    }

    [Fact]
    public void Unpack_EachCutOfAPackedValue_IsDamaged()
    {
        var click = new StoredClick("spring", Start, "https://a.example/", "a.example", "Mozilla/5.0", new AddressHash(1, 2, 3, 4), "CH", null, default, false);
        var packed = new ClickPacking().PackWithCodes([click, click], Start.ToUnixTimeMilliseconds()).ToArray();

        Assert.All(Enumerable.Range(0, packed.Length), length => Assert.Throws<InvalidDataException>(() => Unpack(packed[..length])));
    }

    [Fact]
    public void Unpack_OtherVersion_SaysSo() =>
        Assert.Contains("newer", Assert.Throws<InvalidDataException>(() => Unpack([3, 0, 0])).Message, StringComparison.Ordinal);

    // Half a surrogate pair cannot be written as UTF-8; the headers of a request have none.
    private static string? Clean(string? text) => text is null ? null : string.Concat(text.Where(character => !char.IsSurrogate(character)));

    private static List<StoredClick> Unpack(byte[] packed)
    {
        var clicks = new List<StoredClick>();
        ClickPacking.Unpack(
            packed,
            Start.ToUnixTimeMilliseconds(),
            (in PackedClick click, ReadOnlySpan<byte> hash) =>
                clicks.Add(
                    new StoredClick(
                        click.ShortCode!,
                        DateTimeOffset.FromUnixTimeMilliseconds(click.At),
                        click.Referrer,
                        click.Source,
                        click.UserAgent,
                        AddressHash.ReadShort(hash),
                        click.Country,
                        click.City,
                        click.Device,
                        click.IsBot
                    )
                )
        );
        return clicks;
    }
}
