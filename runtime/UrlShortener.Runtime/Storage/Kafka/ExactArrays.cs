namespace UrlShortener.Runtime.Storage.Kafka;

/// <summary>
/// Arrays that are exactly as long as their content, which is all that the client takes. It copies them at once, so the next content of the same length gets the
/// same array. One thread only.
/// </summary>
internal sealed class ExactArrays
{
    /// <summary>Longest content whose array is used again, in bytes.</summary>
    public const int Longest = 1_024;

    private readonly byte[]?[] _byLength = new byte[Longest + 1][];

    /// <summary>An array with this content, until the next call.</summary>
    public byte[] Hold(ReadOnlySpan<byte> content)
    {
        if (content.Length > Longest)
            return content.ToArray();
        var array = _byLength[content.Length] ??= new byte[content.Length];
        content.CopyTo(array);
        return array;
    }
}
