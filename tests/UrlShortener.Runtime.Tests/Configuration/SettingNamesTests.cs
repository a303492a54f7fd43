using System.Reflection;
using Microsoft.Extensions.Configuration;
using UrlShortener.Contracts;
using UrlShortener.Runtime.Configuration;
using Xunit;

namespace UrlShortener.Runtime.Tests.Configuration;

public sealed class SettingNamesTests
{
    public static TheoryData<string> Names =>
        [.. typeof(SettingNames).GetFields(BindingFlags.Public | BindingFlags.Static).Select(constant => (string)constant.GetRawConstantValue()!)];

    [Theory]
    [MemberData(nameof(Names))]
    public void FindErrors_SettingThatTheOperatorKnows_IsASetting(string name)
    {
        var configuration = new ConfigurationBuilder().AddCommandLine([$"--{name}=1"]).Build();

        Assert.DoesNotContain(Settings.FindErrors(configuration), error => error.Contains("is not a setting", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(RoleNames.All, RuntimeRole.All)]
    [InlineData(RoleNames.App, RuntimeRole.App)]
    [InlineData(RoleNames.Kgs, RuntimeRole.Kgs)]
    [InlineData(RoleNames.Clicks, RuntimeRole.Clicks)]
    public void RoleOf_NameThatTheOperatorKnows_IsTheRole(string name, object role) =>
        Assert.Equal((RuntimeRole)role, Settings.RoleOf(new ConfigurationBuilder().AddInMemoryCollection([new(SettingNames.Role, name)]).Build()));
}
