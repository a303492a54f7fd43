using FsCheck.Xunit;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using UrlShortener.Runtime.Http;
using Xunit;

namespace UrlShortener.Runtime.Tests.Http;

public sealed class QueryParametersTests
{
    private readonly List<FieldError> _errors = [];

    [Fact]
    public void Constructor_UnknownParameter_IsRefusedWithTheKnownOnes()
    {
        _ = Read("limt", "5");

        var error = Assert.Single(_errors);
        Assert.Equal("limt", error.Field);
        Assert.Contains("name, other", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Constructor_KnownParameterInOtherCase_IsRefused()
    {
        _ = Read("Name", "5");
        Assert.Equal("Name", Assert.Single(_errors).Field);
    }

    [Fact]
    public void Constructor_LongName_IsCut()
    {
        _ = Read(new string('x', 5_000), "5");
        Assert.Equal(64, Assert.Single(_errors).Field.Length);
    }

    [Fact]
    public void AllReaders_NotGiven_AreNullWithoutError()
    {
        var parameters = new QueryParameters(QueryCollection.Empty, _errors, ["name"]);

        Assert.Null(parameters.Text("name", 5));
        Assert.Null(parameters.Integer("name", 1, 5));
        Assert.Null(parameters.Boolean("name"));
        Assert.Null(parameters.OneOf("name", "a"));
        Assert.Empty(parameters.Many("name", 5));
        Assert.Empty(_errors);
    }

    [Theory]
    [InlineData("abcde", true)]
    [InlineData("abcdef", false)]
    [InlineData("", false)]
    public void Text_Length_IsChecked(string value, bool isGood) => AssertResult(isGood ? value : null, Read("name", value).Text("name", 5), isGood);

    [Fact]
    public void Text_GivenTwice_IsRefused() => AssertResult(null, Read("name", "a", "b").Text("name", 5), isGood: false);

    [Theory]
    [InlineData("1", 1)]
    [InlineData("100", 100)]
    [InlineData("007", 7)]
    [InlineData("0", null)]
    [InlineData("101", null)]
    [InlineData("-1", null)]
    [InlineData("+1", null)]
    [InlineData(" 1", null)]
    [InlineData("1.0", null)]
    [InlineData("1e1", null)]
    [InlineData("٣", null)]
    [InlineData("99999999999999999999", null)]
    [InlineData("", null)]
    public void Integer_Text_IsAWholeNumberInRangeOrRefused(string value, int? expected) =>
        AssertResult(expected, Read("name", value).Integer("name", 1, 100), expected is not null);

    [Fact]
    public void Integer_GivenTwice_IsRefused() => AssertResult(null, Read("name", "1", "2").Integer("name", 1, 100), isGood: false);

    [Theory]
    [InlineData("true", true)]
    [InlineData("False", false)]
    [InlineData("1", null)]
    [InlineData("yes", null)]
    [InlineData("", null)]
    public void Boolean_Text_IsTrueOrFalseOrRefused(string value, bool? expected) =>
        AssertResult(expected, Read("name", value).Boolean("name"), expected is not null);

    [Theory]
    [InlineData("hour", true)]
    [InlineData("HOUR", false)]
    [InlineData("", false)]
    public void OneOf_Text_IsOneOfTheWordsOrRefused(string value, bool isGood) =>
        AssertResult(isGood ? value : null, Read("name", value).OneOf("name", "hour", "day"), isGood);

    [Fact]
    public void Many_UpToTheLimit_AreAllReturned()
    {
        Assert.Equal(["a", "b"], Read("name", "a", "b").Many("name", 2));
        Assert.Empty(_errors);
        Assert.Empty(Read("name", "a", "b", "c").Many("name", 2));
        Assert.Equal("name", Assert.Single(_errors).Field);
    }

    [Property(MaxTest = 1_000)]
    public void AllReaders_ArbitraryValues_NeverThrow(string? name, string?[]? values)
    {
        var parameters = Read(name ?? "", values ?? []);
        parameters.Text("name", 10);
        parameters.Integer("name", 0, 10);
        parameters.Boolean("name");
        parameters.OneOf("name", "a");
        Assert.All(parameters.Many("name", 3), Assert.NotNull);
    }

    private QueryParameters Read(string name, params string?[] values) =>
        new(new QueryCollection(new Dictionary<string, StringValues> { [name] = values }), _errors, ["name", "other"]);

    private void AssertResult<T>(T expected, T actual, bool isGood)
    {
        Assert.Equal(expected, actual);
        if (isGood)
            Assert.Empty(_errors);
        else
            Assert.Equal(("name", ErrorCode.InvalidRequest), (Assert.Single(_errors).Field, _errors[0].Code));
    }
}
