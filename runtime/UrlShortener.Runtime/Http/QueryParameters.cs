using System.Globalization;

namespace UrlShortener.Runtime.Http;

/// <summary>Reads the query of a request and collects its errors. A parameter that the endpoint does not have is refused, because it is probably a typing
/// error.</summary>
internal sealed class QueryParameters
{
    private readonly IQueryCollection _query;
    private readonly List<FieldError> _errors;

    public QueryParameters(IQueryCollection query, List<FieldError> errors, IReadOnlyList<string> known)
    {
        _query = query;
        _errors = errors;
        foreach (var name in query.Keys)
        {
            if (!known.Contains(name, StringComparer.Ordinal))
                Refuse(name.Length > 64 ? name[..64] : name, $"is not a parameter here; there are {string.Join(", ", known)}.");
        }
    }

    /// <summary>Records that a parameter is wrong.</summary>
    public void Refuse(string name, string problem) => _errors.Add(new FieldError(name, ErrorCode.InvalidRequest, $"{name} {problem}"));

    /// <summary>A text of 1 to <paramref name="maxLength"/> characters; null: absent or refused.</summary>
    public string? Text(string name, int maxLength)
    {
        if (!_query.TryGetValue(name, out var values))
            return null;
        if (values is [{ Length: > 0 } text] && text.Length <= maxLength)
            return text;
        Refuse(name, $"must be given once, with 1 to {maxLength} characters.");
        return null;
    }

    /// <summary>A text parameter that may be repeated up to a limit.</summary>
    public IReadOnlyList<string> Many(string name, int limit)
    {
        if (!_query.TryGetValue(name, out var values))
            return [];
        if (values.Count <= limit)
            return [.. values.Select(value => value ?? "")];
        Refuse(name, $"may be given at most {limit} times.");
        return [];
    }

    /// <summary>A whole number in a range.</summary>
    public int? Integer(string name, int min, int max)
    {
        if (!_query.TryGetValue(name, out var values))
            return null;
        if (int.TryParse(values.ToString(), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max)
            return number;
        Refuse(name, $"must be a whole number from {min} to {max}.");
        return null;
    }

    /// <summary>True or false.</summary>
    public bool? Boolean(string name)
    {
        if (!_query.TryGetValue(name, out var values))
            return null;
        if (bool.TryParse(values.ToString(), out var value))
            return value;
        Refuse(name, "must be true or false.");
        return null;
    }

    /// <summary>A time in the years 1970 to 9000.</summary>
    public DateTimeOffset? Time(string name)
    {
        if (!_query.TryGetValue(name, out var values))
            return null;
        // An unescaped '+' arrives as a space.
        if (UtcTimeConverter.TryParse(values.ToString().Replace(' ', '+'), out var time) && time.Year is >= 1970 and <= 9000)
            return time;
        Refuse(name, "must be an RFC 3339 time with its offset, such as 2030-01-31T12:00:00Z.");
        return null;
    }

    /// <summary>One of a fixed list of words.</summary>
    public string? OneOf(string name, params IReadOnlyList<string> words)
    {
        if (!_query.TryGetValue(name, out var values))
            return null;
        if (words.Contains(values.ToString(), StringComparer.Ordinal))
            return values.ToString();
        Refuse(name, $"must be one of {string.Join(", ", words)}.");
        return null;
    }
}
