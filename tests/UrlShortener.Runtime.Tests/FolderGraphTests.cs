using ArchUnitNET.Domain;
using ArchUnitNET.Loader;
using Xunit;

namespace UrlShortener.Runtime.Tests;

/// <summary>Which folders of the runtime may know which. A folder is a namespace with what lies below it.</summary>
public sealed class FolderGraphTests
{
    private const string Root = "UrlShortener.Runtime";

    // What puts the program together.
    private static readonly string[] Composition = ["", "Administration"];

    private static readonly Lazy<Architecture> Program = new(() => new ArchLoader().LoadAssemblies(typeof(Startup).Assembly).Build());

    // By folder, the folders that it uses, each with an example.
    private static readonly Lazy<Dictionary<string, Dictionary<string, string>>> Uses = new(() =>
        (
            from type in Program.Value.Types
            where FolderOf(type) is not null
            from dependency in type.Dependencies
            where FolderOf(dependency.Target) is { } used && used != FolderOf(type)
            group $"{type.FullName} uses {dependency.Target.FullName}" by (User: FolderOf(type)!, Used: FolderOf(dependency.Target)!)
        )
            .ToLookup(use => use.Key.User)
            .ToDictionary(uses => uses.Key, uses => uses.ToDictionary(use => use.Key.Used, use => use.First()))
    );

    [Fact]
    public void Folders_HaveNoCycles()
    {
        Assert.Contains("Links", Uses.Value.Keys);
        var done = new HashSet<string>();
        foreach (var folder in Uses.Value.Keys.Order(StringComparer.Ordinal))
            Visit(folder, []);

        void Visit(string folder, List<string> path)
        {
            if (path.IndexOf(folder) is >= 0 and var start)
                Assert.Fail("Cycle: " + string.Join(", ", path[start..].Zip([.. path[(start + 1)..], folder], (user, used) => Uses.Value[user][used])));
            // Startup and its like lie in no folder.
            if (folder.Length == 0 || !done.Add(folder))
                return;
            foreach (var used in Uses.Value.GetValueOrDefault(folder, []).Keys)
                Visit(used, [.. path, folder]);
        }
    }

    [Fact]
    public void Storage_IsKnownByTheCompositionAlone() => Assert.Empty(UsersOf("Storage", allowed: Composition));

    [Fact]
    public void Composition_IsKnownByAdministrationAlone() => Assert.Empty(UsersOf("", allowed: Composition));

    private static IEnumerable<string> UsersOf(string folder, string[] allowed) =>
        from user in Uses.Value
        where !allowed.Contains(user.Key) && user.Value.ContainsKey(folder)
        select user.Value[folder];

    // The library mistakes type parameters of one generated method for those of another.
    private static string? FolderOf(IType type) =>
        (type is GenericParameter ? null : type.Namespace?.FullName) switch
        {
            Root => "",
            { } name when name.StartsWith($"{Root}.", StringComparison.Ordinal) => name[(Root.Length + 1)..].Split('.')[0],
            _ => null,
        };
}
