using System.Text;
using System.Text.Json;
using Xunit;

namespace UrlShortener.TestHarness.Product;

/// <summary>An answer, read to its end.</summary>
internal sealed record Reply(int Status, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public string Text => Encoding.UTF8.GetString(Body);

    public JsonElement Json => JsonElement.Parse(Body);

    /// <summary>A header, several values joined; null when it is not there.</summary>
    public string? Header(string name) => Headers.GetValueOrDefault(name);

    /// <summary>Fails unless this is a problem with a status and a code, in the form that all errors have.</summary>
    public JsonElement ShouldBeProblem(int status, string code)
    {
        Assert.True(Status == status, $"Expected {status} {code}, got {this}");
        Assert.Equal("application/problem+json", Header("Content-Type"));
        var problem = Json;
        Assert.Equal(status, problem.GetProperty("status").GetInt32());
        Assert.Equal(code, problem.GetProperty("code").GetString());
        Assert.False(string.IsNullOrWhiteSpace(problem.GetProperty("error").GetString()));
        Assert.Equal(problem.GetProperty("error").GetString(), problem.GetProperty("detail").GetString());
        return problem;
    }

    /// <summary>For messages.</summary>
    public override string ToString() => $"{Status} {Text}";
}
