namespace UrlShortener.Contracts;

/// <summary>Measures how similar two names are, by letters and ignoring case.</summary>
public static class Spelling
{
    /// <summary>Number of letters to insert, delete, replace or swap with a neighbour to turn one name into the other.</summary>
    public static int Distance(string left, string right)
    {
        (left, right) = (left.ToUpperInvariant(), right.ToUpperInvariant());
        var distances = new int[left.Length + 1, right.Length + 1];
        for (var i = 0; i <= left.Length; i++)
        {
            for (var j = 0; j <= right.Length; j++)
                distances[i, j] = i == 0 || j == 0 ? i + j : Nearest(i, j);
        }

        return distances[left.Length, right.Length];

        int Nearest(int i, int j)
        {
            var isSame = left[i - 1] == right[j - 1];
            var nearest = Math.Min(Math.Min(distances[i - 1, j], distances[i, j - 1]) + 1, distances[i - 1, j - 1] + (isSame ? 0 : 1));
            return i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] ? Math.Min(nearest, distances[i - 2, j - 2] + 1) : nearest;
        }
    }

    /// <summary>Whether two names have the same beginning, as <c>Proxy</c> and <c>Proxies</c> or <c>Auth</c> and <c>Authentication</c>.</summary>
    public static bool BeginAlike(string left, string right) => left.ToUpperInvariant().AsSpan().CommonPrefixLength(right.ToUpperInvariant()) >= 4;
}
