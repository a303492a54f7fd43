using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>Storage</c>: location of the embedded store's file.</summary>
internal sealed class StorageOptions
{
    /// <summary>Folder of the SQLite file, created if missing. Relative to the working directory. Default <c>.data</c>.</summary>
    [Required(AllowEmptyStrings = false)]
    public string DataDirectory { get; set; } = ".data";
}
