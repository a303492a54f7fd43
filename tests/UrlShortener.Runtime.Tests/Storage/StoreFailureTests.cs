using System.Data.Common;
using Microsoft.Data.Sqlite;
using UrlShortener.Runtime.Resilience;
using UrlShortener.Runtime.Storage;
using Xunit;

namespace UrlShortener.Runtime.Tests.Storage;

public sealed class StoreFailureTests
{
    [Theory]
    [InlineData("22003", false)]
    [InlineData("22P02", false)]
    [InlineData("23505", false)]
    [InlineData("42703", false)]
    [InlineData("08006", true)]
    [InlineData("25006", true)]
    [InlineData("40001", true)]
    [InlineData("53300", true)]
    [InlineData("57014", true)]
    [InlineData("57P01", true)]
    [InlineData(null, true)]
    public void IsUnavailable_SqlState_TellsValuesFromOutages(string? state, bool expected) =>
        Assert.Equal(expected, StoreFailure.IsUnavailable(new StateException(state)));

    [Theory]
    [InlineData(1, false)]
    [InlineData(5, true)]
    [InlineData(10, true)]
    [InlineData(13, true)]
    [InlineData(18, false)]
    [InlineData(19, false)]
    public void IsUnavailable_SqliteCode_TellsValuesFromOutages(int code, bool expected) =>
        Assert.Equal(expected, StoreFailure.IsUnavailable(new SqliteException("failed", code)));

    [Fact]
    public void IsUnavailable_OtherErrors()
    {
        Assert.True(StoreFailure.IsUnavailable(new TimeoutException()));
        Assert.True(StoreFailure.IsUnavailable(new DependencyException("away")));
        Assert.False(StoreFailure.IsUnavailable(new InvalidOperationException()));
    }

    private sealed class StateException(string? state) : DbException("failed")
    {
        public override string? SqlState => state;
    }
}
