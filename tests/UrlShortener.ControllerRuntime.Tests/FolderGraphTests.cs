using ArchUnitNET.Fluent.Slices;
using ArchUnitNET.Loader;
using UrlShortener.ControllerRuntime.Hosting;
using Xunit;

namespace UrlShortener.ControllerRuntime.Tests;

/// <summary>Which folders of the controller runtime may know which, and that it knows nothing of the product.</summary>
public sealed class FolderGraphTests
{
    [Fact]
    public void Folders_HaveNoCycles()
    {
        var program = new ArchLoader().LoadAssemblies(typeof(RuntimeOptions).Assembly).Build();

        var results = SliceRuleDefinition.Slices().Matching("UrlShortener.ControllerRuntime.(*)..").Should().BeFreeOfCycles().Evaluate(program).ToList();

        Assert.NotEmpty(results);
        Assert.All(results, result => Assert.True(result.Passed, result.Description));
    }

    [Fact]
    public void Library_RefersToNothingOfTheProduct() =>
        Assert.DoesNotContain(
            typeof(RuntimeOptions).Assembly.GetReferencedAssemblies(),
            name => name.Name!.StartsWith("UrlShortener", StringComparison.Ordinal)
        );
}
