using UrlShortener.Operator.Webhooks;

namespace UrlShortener.Operator.Manifests;

/// <summary><c>manifests FOLDER</c>: writes the files that are generated from code and committed.</summary>
internal static class ManifestsCommand
{
    /// <summary>The first argument of the command.</summary>
    public const string Name = "manifests";

    /// <summary>Folder of the CustomResourceDefinitions, below the given one.</summary>
    public const string CrdFolder = "crds";

    /// <summary>The file of the ValidatingWebhookConfiguration.</summary>
    public const string WebhookFile = "config/webhook/validatingwebhookconfiguration.yaml";

    private const string Comment = "Made from the code in operator/ by `make manifests`. Do not edit.";

    /// <summary>Each file by its path below the folder.</summary>
    public static IReadOnlyDictionary<string, string> BuildFiles()
    {
        var options = new WebhookOptions();
        var files = CustomResourceDefinitions
            .BuildAll()
            .ToDictionary(entry => $"{CrdFolder}/{entry.Key}", entry => YamlText.Write(entry.Value, Comment), StringComparer.Ordinal);
        files[WebhookFile] = YamlText.Write(WebhookManifest.Build(options.ConfigurationName, WebhookManifest.BuildService(options)), Comment);
        return files;
    }

    /// <summary>Writes the files; returns the exit code: 0 success, 64 wrong usage.</summary>
    public static async Task<int> RunAsync(string[] args, CancellationToken cancellationToken)
    {
        if (args is not [Name, var folder])
        {
            await Console.Error.WriteLineAsync($"Usage: UrlShortener.Operator {Name} FOLDER");
            return 64;
        }

        foreach (var (path, text) in BuildFiles())
        {
            var file = Path.Combine(folder, path);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllTextAsync(file, text, cancellationToken);
        }

        return 0;
    }
}
