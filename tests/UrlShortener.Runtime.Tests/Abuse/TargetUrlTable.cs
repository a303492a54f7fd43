using System.Text.RegularExpressions;
using Xunit;

namespace UrlShortener.Runtime.Tests.Abuse;

/// <summary>The rows of TargetUrls.tsv.</summary>
public static class TargetUrlTable
{
    private static readonly Lazy<ILookup<string, string[]>> Rows = new(Read);

    /// <summary>URLs of a kind.</summary>
    public static TheoryData<string> Urls(string kind) => [.. Rows.Value[kind].Select(fields => fields[0])];

    /// <summary>URLs of a kind that are accepted, each with its location and host.</summary>
    public static TheoryData<string, string, string> Accepted(string kind)
    {
        var data = new TheoryData<string, string, string>();
        foreach (var fields in Rows.Value[kind])
            data.Add(fields[0], fields[1], fields[2]);
        return data;
    }

    /// <summary>Hosts, and whether their scripts are confusable.</summary>
    public static TheoryData<string, bool> Scripts()
    {
        var data = new TheoryData<string, bool>();
        foreach (var fields in Rows.Value["script"])
            data.Add(fields[0], fields[1] == "confusable");
        return data;
    }

    private static ILookup<string, string[]> Read()
    {
        using var reader = new StreamReader(typeof(TargetUrlTable).Assembly.GetManifestResourceStream("TargetUrls.tsv")!);
        return reader
            .ReadToEnd()
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(line => !line.StartsWith('#'))
            .Select(line => line.Split('\t'))
            .ToLookup(fields => fields[0], fields => fields.Skip(1).Select(Regex.Unescape).ToArray());
    }
}
