using System.Reflection;
using UrlShortener.Runtime.Keys.Generation;
using Xunit;

namespace UrlShortener.Runtime.Tests.Keys.Generation;

public sealed class GenerationStepTests
{
    // The failures of a step that is missing could not be counted.
    [Fact]
    public void All_Steps_AreListed() =>
        Assert.Equal(
            typeof(GenerationStep)
                .GetFields(BindingFlags.Public | BindingFlags.Static)
                .Select(field => field.GetValue(null))
                .OfType<GenerationStep>()
                .Select(step => step.Name)
                .Order(StringComparer.Ordinal),
            GenerationStep.All.Select(step => step.Name).Order(StringComparer.Ordinal)
        );
}
