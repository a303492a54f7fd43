using System.Runtime.Loader;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using NSwag;
using NSwag.CodeGeneration.CSharp;
using UrlShortener.EndToEnd.Tests.Product;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.Embedded.Clients;

/// <summary>Clients generated from the document are compiled and used against the process, and linters have nothing to say about the document.</summary>
public sealed class ClientTests : ProductTest, IClassFixture<ProductFixture>, IClassFixture<NodeTools>
{
    // As it is out of the box but for times in queries: NSwag writes those without their offset, which names no moment.
    private static readonly CSharpClientGeneratorSettings Settings = new()
    {
        ClassName = "ShortenerClient",
        ParameterDateTimeFormat = "O",
        CSharpGeneratorSettings = { Namespace = "Generated" },
    };

    private static readonly TimeSpan ToolLimit = TimeSpan.FromSeconds(120);

    private readonly ProductProcess _product;
    private readonly NodeTools _node;

    public ClientTests(ProductFixture fixture, NodeTools node) => (_product, _node) = (Share(fixture.Product), node);

    [Fact]
    public async Task Spectral_RecommendedRules_FindNothing()
    {
        await _node.WriteAsync("v1.json", await ReadDocumentAsync());

        var result = await _node.RunAsync("spectral", "lint", "--ruleset", "spectral.yaml", "--fail-severity", "hint", "v1.json");

        Assert.True(result.ExitCode == 0, result.ToString());
    }

    [Fact]
    public async Task Redocly_RecommendedRules_FindNothing()
    {
        await _node.WriteAsync("v1.json", await ReadDocumentAsync());

        var result = await _node.RunAsync("redocly", "lint", "--extends", "recommended", "--format", "json", "v1.json");

        Assert.True(result.ExitCode == 0, result.ToString());
        Assert.Contains("\"errors\": 0,\n    \"warnings\": 0,", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TypeScript_GeneratedTypes_AreCompiledAndUsed()
    {
        await _node.WriteAsync("v1.json", await ReadDocumentAsync());

        foreach (
            var command in (string[][])
                [
                    ["openapi-typescript", "v1.json", "--output", "api.d.ts"],
                    ["tsc", "--project", "."],
                    ["node", "out/client.js", _product.Http.BaseAddress!.AbsoluteUri.TrimEnd('/'), _product.ApiKey],
                ]
        )
        {
            var result = await _node.RunAsync(command[0], command[1..]);
            Assert.True(result.ExitCode == 0, $"{command[0]}: {result}");
        }
    }

    /// <summary>Language, contrast and what screen readers need, in light and dark; and nothing that loads from somewhere else.</summary>
    [Fact]
    public async Task Docs_Axe_FindsNothing()
    {
        var chromium = Array.Find(["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"], File.Exists);
        Assert.SkipWhen(chromium is null, "There is no Chromium on this machine.");

        var result = await _node.RunAsync("node", "docs.mjs", chromium!, new Uri(_product.Http.BaseAddress!, "/docs").AbsoluteUri);

        Assert.True(result.ExitCode == 0 && result.Output.Length == 0, result.ToString());
    }

    [Fact]
    public async Task NSwag_GeneratedClient_IsCompiledAndUsed()
    {
        var document = await OpenApiDocument.FromJsonAsync(await ReadDocumentAsync(), TestContext.Current.CancellationToken);
        var code = new CSharpClientGenerator(document, Settings).GenerateFile();

        await CompileAndUseAsync([code], "Scenario.cs.txt");
    }

    [Fact]
    public async Task Kiota_GeneratedClient_IsCompiledAndUsed()
    {
        using var folder = new TestFolder();
        File.Copy(Path.Combine(NodeTools.Source, "kiota", "dotnet-tools.json"), folder.PathOf("dotnet-tools.json"));
        await File.WriteAllTextAsync(folder.PathOf("v1.json"), await ReadDocumentAsync(), TestContext.Current.CancellationToken);
        var restored = await ToolProcess.RunAsync(folder.FullName, "dotnet", ToolLimit, "tool", "restore");
        Assert.SkipWhen(restored.ExitCode != 0, $"The tool cannot be restored: {restored}");

        var generated = await ToolProcess.RunAsync(
            folder.FullName,
            "dotnet",
            ToolLimit,
            "tool",
            "run",
            "kiota",
            "generate",
            "--language",
            "CSharp",
            "--openapi",
            "v1.json",
            "--output",
            "client",
            "--class-name",
            "ShortenerClient",
            "--namespace-name",
            "Generated",
            "--exclude-backward-compatible"
        );

        Assert.True(generated.ExitCode == 0, generated.ToString());
        var files = Directory.EnumerateFiles(folder.PathOf("client"), "*.cs", SearchOption.AllDirectories);
        await CompileAndUseAsync(
            [.. await Task.WhenAll(files.Select(file => File.ReadAllTextAsync(file, TestContext.Current.CancellationToken)))],
            "KiotaScenario.cs.txt"
        );
    }

    private async Task CompileAndUseAsync(IEnumerable<string> client, string scenario)
    {
        var code = client.Append(await File.ReadAllTextAsync(Path.Combine(NodeTools.Source, scenario), TestContext.Current.CancellationToken));
        var assemblies = ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator);
        var compilation = CSharpCompilation.Create(
            "Client",
            code.Select(text => CSharpSyntaxTree.ParseText(text, cancellationToken: TestContext.Current.CancellationToken)),
            assemblies.Select(path => MetadataReference.CreateFromFile(path)),
            new CSharpCompilationOptions(OutputKind.DynamicallyLinkedLibrary)
        );
        using var image = new MemoryStream();
        var result = compilation.Emit(image, cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(result.Success, string.Join('\n', result.Diagnostics.Where(message => message.Severity == DiagnosticSeverity.Error)));
        image.Position = 0;
        var context = new AssemblyLoadContext("Client", isCollectible: true);
        using var http = new HttpClient
        {
            BaseAddress = _product.Http.BaseAddress,
            DefaultRequestHeaders = { { "Authorization", $"Bearer {_product.ApiKey}" } },
        };

        await (Task)context.LoadFromStream(image).GetType("Generated.Scenario", throwOnError: true)!.GetMethod("RunAsync")!.Invoke(null, [http])!;

        context.Unload();
    }

    private async Task<string> ReadDocumentAsync()
    {
        var reply = await _product.Anonymous.GetAsync("/openapi/v1.json");
        Assert.True(reply.Status == 200, reply.ToString());
        return reply.Text;
    }
}
