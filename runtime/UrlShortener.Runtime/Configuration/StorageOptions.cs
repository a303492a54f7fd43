using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>Storage</c>: where the embedded store keeps its file.</summary>
internal sealed class StorageOptions
{
    /// <summary>Folder of the SQLite file, made when it is missing. Relative to the working directory. Default <c>.data</c>.</summary>
    [Required(AllowEmptyStrings = false)]
    public string DataDirectory { get; set; } = ".data";
}
