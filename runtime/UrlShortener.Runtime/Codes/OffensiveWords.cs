using System.Buffers;

namespace UrlShortener.Runtime.Codes;

/// <summary>Words that no generated code may contain, also with digits for letters. Aliases are their creators' own words and are not checked.</summary>
internal static class OffensiveWords
{
    private static readonly SearchValues<string> Words = SearchValues.Create(
        [
            "anal",
            "anus",
            "arse",
            "ass",
            "bitch",
            "boob",
            "butt",
            "chink",
            "clit",
            "cock",
            "coon",
            "crap",
            "cum",
            "cunt",
            "damn",
            "dick",
            "dildo",
            "dyke",
            "fag",
            "fuck",
            "fuk",
            "gook",
            "hell",
            "hitler",
            "homo",
            "jizz",
            "kike",
            "kill",
            "kkk",
            "nazi",
            "negro",
            "nigg",
            "paki",
            "penis",
            "piss",
            "poop",
            "porn",
            "prick",
            "pussy",
            "queer",
            "rape",
            "sex",
            "shit",
            "slut",
            "spic",
            "tit",
            "turd",
            "twat",
            "vagina",
            "wank",
            "whore",
            "wtf",
            "xxx",
        ],
        StringComparison.OrdinalIgnoreCase
    );

    /// <summary>Whether a generated code contains one of the words.</summary>
    public static bool Occurs(ReadOnlySpan<char> key)
    {
        // A 1 stands for an i in some words and for an l in others.
        return key.ContainsAny(Words) || Occurs(key, 'i') || Occurs(key, 'l');
    }

    private static bool Occurs(ReadOnlySpan<char> key, char one)
    {
        Span<char> plain = stackalloc char[key.Length];
        for (var i = 0; i < key.Length; i++)
            plain[i] = Letter(key[i], one);
        return ((ReadOnlySpan<char>)plain).ContainsAny(Words);
    }

    // The letter that a digit stands for.
    private static char Letter(char character, char one) =>
        character switch
        {
            '0' => 'o',
            '1' => one,
            '3' => 'e',
            '4' => 'a',
            '5' => 's',
            '7' => 't',
            '8' => 'b',
            _ => character,
        };
}
