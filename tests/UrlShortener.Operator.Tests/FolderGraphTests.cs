using ArchUnitNET.Domain;
using ArchUnitNET.Fluent.Slices;
using ArchUnitNET.Loader;
using UrlShortener.Contracts;
using Xunit;

namespace UrlShortener.Operator.Tests;

/// <summary>Which folders of the operator may know which. A folder is a namespace with what lies below it.</summary>
public sealed class FolderGraphTests
{
    private const string Root = "UrlShortener.Operator";

    private static readonly Lazy<Architecture> Program = new(() => new ArchLoader().LoadAssemblies(typeof(Startup).Assembly).Build());

    [Fact]
    public void Folders_HaveNoCycles()
    {
        var results = SliceRuleDefinition.Slices().Matching($"{Root}.(*)..").Should().BeFreeOfCycles().Evaluate(Program.Value).ToList();

        Assert.NotEmpty(results);
        Assert.All(results, result => Assert.True(result.Passed, result.Description));
    }

    [Theory]
    [InlineData("Entities")]
    [InlineData("Conditions", "Entities")]
    [InlineData("Apply", "Conditions", "Entities")]
    [InlineData("Certificates", "Apply", "Conditions", "Entities")]
    [InlineData("Pods", "Apply", "Certificates", "Conditions", "Entities")]
    [InlineData("Clusters", "Conditions", "Entities")]
    [InlineData("Mirrors", "Apply", "Clusters", "Conditions", "Entities", "Postgres")]
    [InlineData("Postgres", "Apply", "Certificates", "Clusters", "Conditions", "Entities", "Pods", "Validation")]
    [InlineData("Backups", "Apply", "Certificates", "Conditions", "Entities", "Pods", "Postgres", "Schedules", "Validation")]
    [InlineData("Schedules")]
    [InlineData("Failover", "Apply", "Certificates", "Clusters", "Conditions", "Entities", "Pods", "Postgres", "Regions", "Schedules", "Validation")]
    [InlineData("Validation", "Entities")]
    [InlineData("Regions", "Apply", "Conditions", "Entities", "Pods", "Validation")]
    [InlineData("Redis", "Apply", "Certificates", "Conditions", "Entities", "Pods", "Validation")]
    [InlineData("KeyPools", "Apply", "Conditions", "Entities", "Pods", "Regions", "Validation")]
    [InlineData("Traffic", "Apply", "Conditions", "Entities", "Failover", "Pods", "Regions", "Validation")]
    public void Folder_KnowsThoseBelowItAlone(string folder, params string[] below)
    {
        var unexpected =
            from type in Program.Value.Types
            where FolderOf(type) == folder
            from dependency in type.Dependencies
            where FolderOf(dependency.Target) is { } other && other != folder && !below.Contains(other)
            select $"{type.FullName} uses {dependency.Target.FullName}";

        Assert.Empty(unexpected.Distinct());
    }

    [Fact]
    public void Contracts_ReferToNothingOfTheProduct() =>
        Assert.DoesNotContain(
            typeof(KeyGenerationStatus).Assembly.GetReferencedAssemblies(),
            name => name.Name!.StartsWith("UrlShortener", StringComparison.Ordinal)
        );

    private static string? FolderOf(IType type) =>
        // The loader knows no namespace of some types of other assemblies.
        type.Namespace?.FullName switch
        {
            null => null,
            Root => "",
            var name when name.StartsWith($"{Root}.", StringComparison.Ordinal) => name[(Root.Length + 1)..].Split('.')[0],
            _ => null,
        };
}
