using UrlShortener.Runtime.Clicks.Loading;
using Xunit;

namespace UrlShortener.Runtime.Tests.Clicks.Loading;

public sealed class LoadSharesTests
{
    private const int Bytes = 64 * 1_048_576;
    private static readonly TimeSpan Wait = TimeSpan.FromSeconds(2);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4)]
    public void Of_FewPartitions_HaveTheSame(int partitions)
    {
        var shares = LoadShares.Of(50_000, Bytes, Wait, partitions);

        Assert.Equal(0, shares.Turns);
        Assert.Equal(shares.Part, shares.Turn);
        Assert.Equal(new LoadLimits(50_000, Bytes / Math.Max(1, partitions), Wait), shares.Part);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(12)]
    [InlineData(64)]
    public void Of_ManyPartitions_AFewHaveMostOfTheMemory(int partitions)
    {
        var shares = LoadShares.Of(50_000, Bytes, Wait, partitions);

        Assert.True((shares.Part.Bytes * (partitions - shares.Turns)) + (shares.Turn.Bytes * shares.Turns) <= Bytes);
        Assert.True(shares.Turn.Bytes * shares.Turns >= Bytes * 3L / 4);
    }

    // One that gets no turn is loaded all the same.
    [Fact]
    public void Of_ManyPartitions_WaitForATurnButNotForEver()
    {
        var shares = LoadShares.Of(50_000, Bytes, Wait, 12);

        Assert.Equal((Wait, 5 * Wait), (shares.Part.Wait, shares.Part.FullWait));
        Assert.Equal((Wait / 4, TimeSpan.Zero), (shares.Turn.Wait, shares.Turn.FullWait));
    }
}
