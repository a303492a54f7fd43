namespace UrlShortener.Runtime.Storage.Postgres;

/// <summary>The text of jsonb without the blanks that PostgreSQL puts after ':' and ','.</summary>
internal static class JsonText
{
    /// <summary>Leaves out blanks outside of strings.</summary>
    public static string Minify(string json)
    {
        if (!json.Contains(' ', StringComparison.Ordinal))
            return json;
        var text = new char[json.Length];
        var length = 0;
        var isString = false;
        for (var i = 0; i < json.Length; i++)
        {
            var character = json[i];
            if (character == ' ' && !isString)
                continue;
            text[length++] = character;
            if (character == '"')
                isString = !isString;
            // The next one is escaped, whatever it is.
            else if (character == '\\' && ++i < json.Length)
                text[length++] = json[i];
        }

        return new string(text, 0, length);
    }
}
