using System.Text.RegularExpressions;
using k8s.Models;
using UrlShortener.Operator.Entities.Schema;
using Xunit;

namespace UrlShortener.Operator.Tests.Entities;

public sealed class QuantityTests
{
    [Theory]
    [InlineData("0")]
    [InlineData("+2")]
    [InlineData(".5")]
    [InlineData("1.")]
    [InlineData("500m")]
    [InlineData("1.5Gi")]
    [InlineData("10737418240")]
    [InlineData("99999999999999999999")]
    [InlineData("9999999999Ei")]
    [InlineData("1e3")]
    [InlineData("9999999999E18")]
    [InlineData("1e-18")]
    public void Quantity_ThatTheCustomResourceTakes_CanBeComparedWithOthers(string text)
    {
        Assert.Matches(Patterns.Quantity, text);
        Assert.True(new ResourceQuantity(text).ToDecimal() >= 0);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-1")]
    [InlineData("1e99")]
    [InlineData("1e19")]
    [InlineData("99999999999Ei")]
    [InlineData("9999999999999999999E")]
    [InlineData("1 Gi")]
    [InlineData("many")]
    public void Quantity_ThatNoServerHas_IsRefused(string text) =>
        Assert.False(Regex.IsMatch(text, Patterns.Quantity, RegexOptions.None, TimeSpan.FromSeconds(1)));
}
