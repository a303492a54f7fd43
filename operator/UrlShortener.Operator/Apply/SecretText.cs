using System.Text;

namespace UrlShortener.Operator.Apply;

/// <summary>Texts in Secrets.</summary>
internal static class SecretText
{
    /// <summary>The text of a key; null: there is none, or it is empty.</summary>
    /// <param name="data">Data of the Secret; null: none.</param>
    /// <param name="key">The key.</param>
    public static string? In(IDictionary<string, byte[]>? data, string key) =>
        data is not null && data.TryGetValue(key, out var value) && value.Length > 0 ? Encoding.UTF8.GetString(value) : null;
}
