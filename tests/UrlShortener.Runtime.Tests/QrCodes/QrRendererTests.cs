using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using UrlShortener.Runtime.QrCodes;
using Xunit;

namespace UrlShortener.Runtime.Tests.QrCodes;

public partial class QrRendererTests
{
    private const string Url = "https://sho.rt/aZ3x9Q";

    public static TheoryData<int, string> SizesAndLevels()
    {
        var data = new TheoryData<int, string>();
        // The level decides how many modules there are, the size how large they are: each size need not come with each level.
        foreach (var size in (int[])[65, 71, 99, 127, 128, 200, 256, 300, 512, 777, 1_000, 1_024, 2_047])
            data.Add(size, nameof(QrErrorCorrection.M));
        foreach (var size in (int[])[64, 100, 333, 2_048])
        {
            foreach (var level in Enum.GetNames<QrErrorCorrection>())
                data.Add(size, level);
        }

        return data;
    }

    public static TheoryData<string> Contents() =>
        [
            "a",
            Url,
            "HTTPS://SHO.RT/ABC",
            "0123456789012",
            "https://links.example.org/some-longer-alias-2026?utm_source=poster",
            "https://example.com/" + new string('q', 60),
            "https://example.com/" + new string('r', 90),
            "https://kürz.de/grüße/日本/😀",
        ];

    [Theory]
    [MemberData(nameof(SizesAndLevels))]
    public void Render_Png_HasTheSizeAndReadsBack(int size, string level)
    {
        var spec = new QrSpec(QrFormat.Png, size, Enum.Parse<QrErrorCorrection>(level));

        var pixels = PngReader.Read(QrRenderer.Render(Url, spec));

        Assert.Equal(size, pixels.GetLength(0));
        Assert.Equal(size, pixels.GetLength(1));
        var (modules, scale, left, top) = QrReader.Sample(pixels);
        var side = modules.GetLength(0);
        Assert.Equal(size / (side + (2 * spec.Margin)), scale);
        Assert.Equal((size - (side * scale)) / 2, left);
        Assert.Equal(left, top);
        Assert.InRange(left, spec.Margin * scale, size);
        Assert.Equal((Url, level[0]), QrReader.Decode(modules));
    }

    [Theory]
    [MemberData(nameof(Contents))]
    public void Render_AnyContent_ReadsBackInBothFormats(string content)
    {
        foreach (var level in Enum.GetValues<QrErrorCorrection>())
        {
            foreach (var margin in (int[])[0, 1, 4, 16])
            {
                var spec = new QrSpec(QrFormat.Png, 512, level, margin);
                var (modules, _, _, _) = QrReader.Sample(PngReader.Read(QrRenderer.Render(content, spec)));
                Assert.Equal((content, level.ToString()[0]), QrReader.Decode(modules));

                var drawn = ReadSvg(QrRenderer.Render(content, spec with { Format = QrFormat.Svg }), spec);
                var (svgModules, scale, left, top) = QrReader.Sample(drawn);
                Assert.Equal((1, margin, margin), (scale, left, top));
                Assert.Equal(modules, svgModules);
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(16)]
    public void Render_Png_BorderIsTheMarginAndWhatIsLeftOver(int margin)
    {
        // Twice as many sizes as modules in a row, so that every remainder comes with more than one scale.
        for (var size = QrSpec.MinSize; size <= 190; size++)
        {
            var pixels = PngReader.Read(QrRenderer.Render(Url, new QrSpec(QrFormat.Png, size, QrErrorCorrection.M, margin)));
            var (modules, scale, left, top) = QrReader.Sample(pixels);
            var leftOver = size % (modules.GetLength(0) + (2 * margin));
            Assert.Equal((size, (margin * scale) + (leftOver / 2), left), (pixels.GetLength(1), left, top));
            // A multiple of the modules: the border is the margin, exactly.
            Assert.True(leftOver != 0 || left == margin * scale);
        }
    }

    [Theory]
    [InlineData(64)]
    [InlineData(300)]
    [InlineData(2_048)]
    public void Render_Svg_ScalesFromItsViewBox(int size)
    {
        var spec = new QrSpec(QrFormat.Svg, size);
        var text = Encoding.ASCII.GetString(QrRenderer.Render(Url, spec));
        var svg = XDocument.Parse(text).Root!;

        Assert.Equal("{http://www.w3.org/2000/svg}svg", svg.Name.ToString());
        Assert.Equal(size.ToString(CultureInfo.InvariantCulture), svg.Attribute("width")!.Value);
        Assert.Equal(size.ToString(CultureInfo.InvariantCulture), svg.Attribute("height")!.Value);
        Assert.Equal("0 0 33 33", svg.Attribute("viewBox")!.Value);
        Assert.Equal("crispEdges", svg.Attribute("shape-rendering")!.Value);
        Assert.Equal(["rect", "path"], svg.Elements().Select(element => element.Name.LocalName));
        Assert.DoesNotContain(Url, text, StringComparison.Ordinal);
    }

    [Fact]
    public void MinimumSize_IsTheSmallestThatRenders()
    {
        foreach (var length in (int[])[30, 100, 150, 190])
        {
            foreach (var margin in (int[])[0, 4, 16])
            {
                var content = "https://example.com/" + new string('x', length);
                var spec = new QrSpec(QrFormat.Png, 64, QrErrorCorrection.M, margin);
                var least = QrRenderer.MinimumSize(content, spec);

                var (modules, _, _, _) = QrReader.Sample(PngReader.Read(QrRenderer.Render(content, spec with { Size = least })));
                Assert.Equal(content, QrReader.Decode(modules).Text);
                Assert.False(QrRenderer.TryRender(content, spec with { Size = least - 1 }, out var file, out var problem));
                Assert.Null(file);
                Assert.Contains(least.ToString(CultureInfo.InvariantCulture), problem, StringComparison.Ordinal);
                Assert.Equal(QrSpec.MinSize, QrRenderer.MinimumSize(content, spec with { Format = QrFormat.Svg }));
            }
        }
    }

    [Theory]
    [InlineData(QrFormat.Png, 63, QrErrorCorrection.M, 4, "64 to 2048")]
    [InlineData(QrFormat.Svg, 2_049, QrErrorCorrection.M, 4, "64 to 2048")]
    [InlineData(QrFormat.Png, 0, QrErrorCorrection.M, 4, "64 to 2048")]
    [InlineData(QrFormat.Png, int.MaxValue, QrErrorCorrection.M, 4, "64 to 2048")]
    [InlineData(QrFormat.Png, 300, QrErrorCorrection.M, -1, "0 to 16")]
    [InlineData(QrFormat.Png, 300, QrErrorCorrection.M, 17, "0 to 16")]
    [InlineData(QrFormat.Png, 300, (QrErrorCorrection)4, 4, "L, M, Q or H")]
    [InlineData((QrFormat)2, 300, QrErrorCorrection.M, 4, "png or svg")]
    internal void Render_SpecOutOfRange_IsRefused(QrFormat format, int size, QrErrorCorrection errorCorrection, int margin, string limit)
    {
        var spec = new QrSpec(format, size, errorCorrection, margin);

        Assert.False(QrRenderer.TryRender(Url, spec, out _, out var problem));
        Assert.Contains(limit, problem, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => QrRenderer.Render(Url, spec));
    }

    [Fact]
    public void Render_ContentTooLong_IsRefused()
    {
        var content = new string('x', 3_000);
        Assert.False(QrRenderer.TryRender(content, new QrSpec(QrFormat.Svg), out _, out var problem));
        Assert.Contains("too long", problem, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => QrRenderer.MinimumSize(content, new QrSpec(QrFormat.Svg)));
        Assert.Null(QrRenderer.FindMinimumSize(content, new QrSpec(QrFormat.Svg)));
        Assert.Null(QrRenderer.FindMinimumSize(new string('x', 2_000), new QrSpec(QrFormat.Png, ErrorCorrection: QrErrorCorrection.H)));
        Assert.Throws<ArgumentException>(() => QrRenderer.Render("", new QrSpec(QrFormat.Svg)));
    }

    [Fact]
    public void Render_LargestCode_FitsTheLargestPicture()
    {
        var spec = new QrSpec(QrFormat.Png, QrSpec.MaxSize, QrErrorCorrection.L, QrSpec.MaxMargin);
        var pixels = PngReader.Read(QrRenderer.Render(new string('x', 2_953), spec));
        Assert.Equal(177, QrReader.Sample(pixels).Modules.GetLength(0));
    }

    [Fact]
    public void Render_Twice_GivesEqualBytes()
    {
        foreach (var format in Enum.GetValues<QrFormat>())
            Assert.Equal(QrRenderer.Render(Url, new QrSpec(format)), QrRenderer.Render(Url, new QrSpec(format)));
    }

    [Fact]
    public void QrSpec_Defaults_AreAsDocumented() => Assert.Equal(new QrSpec(QrFormat.Png, 300, QrErrorCorrection.M, 4), new QrSpec(QrFormat.Png));

    [Fact]
    public void ETag_EveryPartOfTheSpec_ChangesIt()
    {
        var spec = new QrSpec(QrFormat.Png);
        string[] tags =
        [
            QrRenderer.ETag(Url, spec),
            QrRenderer.ETag(Url + "x", spec),
            QrRenderer.ETag(Url, spec with { Format = QrFormat.Svg }),
            QrRenderer.ETag(Url, spec with { Size = 301 }),
            QrRenderer.ETag(Url, spec with { ErrorCorrection = QrErrorCorrection.H }),
            QrRenderer.ETag(Url, spec with { Margin = 3 }),
        ];

        Assert.Equal(tags.Length, tags.Distinct().Count());
        Assert.All(tags, tag => Assert.Matches("^\"[0-9a-f]{32}\"$", tag));
        Assert.Equal(tags[0], QrRenderer.ETag(Url, new QrSpec(QrFormat.Png)));

        // Pinned: an ETag that changes without RendererVersion would make every cache fetch again.
        Assert.Equal("\"712af549dbf3ec317312e3dfadc0bd45\"", tags[0]);
    }

    // Draws the path at one pixel per module.
    private static bool[,] ReadSvg(byte[] file, QrSpec spec)
    {
        var svg = XDocument.Parse(Encoding.ASCII.GetString(file)).Root!;
        var extent = int.Parse(svg.Attribute("viewBox")!.Value.Split(' ')[2], CultureInfo.InvariantCulture);
        Assert.InRange(extent, 21 + (2 * spec.Margin), 177 + (2 * spec.Margin));
        var pixels = new bool[extent, extent];
        var path = svg.Elements().Last().Attribute("d")!.Value;
        var length = 0;
        foreach (Match run in Run().Matches(path))
        {
            Assert.Equal(run.Groups["w"].Value, run.Groups["back"].Value);
            for (var i = 0; i < int.Parse(run.Groups["w"].Value, CultureInfo.InvariantCulture); i++)
            {
                pixels[int.Parse(run.Groups["y"].Value, CultureInfo.InvariantCulture), int.Parse(run.Groups["x"].Value, CultureInfo.InvariantCulture) + i] =
                    true;
            }

            length += run.Length;
        }

        Assert.Equal(path.Length, length);
        return pixels;
    }

    [GeneratedRegex("M(?<x>[0-9]+) (?<y>[0-9]+)h(?<w>[0-9]+)v1h-(?<back>[0-9]+)z")]
    private static partial Regex Run();
}
