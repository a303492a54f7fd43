using UrlShortener.Runtime.Abuse;
using Xunit;

namespace UrlShortener.Runtime.Tests.Abuse;

/// <summary>What a list of the largest size takes. It runs alone: the memory of the process is measured, and other tests would take some meanwhile.</summary>
[Collection(nameof(BlocklistSizeTests))]
[CollectionDefinition(nameof(BlocklistSizeTests), DisableParallelization = true)]
public sealed class BlocklistSizeTests
{
    [Fact]
    public void Parse_MillionDomains_StaysSmall()
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var list = Blocklist.Parse(new LinesReader(Enumerable.Range(0, 1_000_000).Select(i => $"host{i}.example.com"))).List;
        var bytes = GC.GetTotalMemory(forceFullCollection: true) - before;

        Assert.Equal(1_000_000, list.Count);
        Assert.True(BlocklistTests.IsBlocked(list, "https://a.host999999.example.com/"));
        Assert.False(BlocklistTests.IsBlocked(list, "https://host1000000.example.com/"));

        Assert.InRange(bytes, 0, 150_000_000);
        TestContext.Current.TestOutputHelper?.WriteLine($"{bytes} bytes");
    }

    private sealed class LinesReader(IEnumerable<string> lines) : TextReader
    {
        private readonly IEnumerator<string> _lines = lines.GetEnumerator();

        public override string? ReadLine() => _lines.MoveNext() ? _lines.Current : null;

        protected override void Dispose(bool disposing)
        {
            _lines.Dispose();
            base.Dispose(disposing);
        }
    }
}
