using System.Security.Cryptography;

namespace UrlShortener.Runtime.Codes;

/// <summary>
/// Makes codes nobody can predict: 7 characters of base62, uniform, from the system's cryptographic generator; 3.5 × 10^12 of them. The specification's
/// <c>-</c> and <c>_</c> are left out because they break when a link is pasted into text.
/// </summary>
internal static class CodeGenerator
{
    /// <summary>Length of a generated code, in characters.</summary>
    public const int Length = 7;

    /// <summary>Characters that a generated code is made of.</summary>
    public const int AlphabetSize = 62;

    private const string Base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    // The smallest power of two that every character has a number below.
    private const int Draw = 64;

    // Bytes asked of the system's generator in one call when many codes are made: most of what one costs by itself is the call.
    private const int BlockSize = 2_048;

    // A few more than a code has characters, for those drawn again. When they do not suffice, which is one time in thousands, there is a second block.
    private const int SingleBlockSize = 10;

    /// <summary>Distinct codes.</summary>
    public static IReadOnlyList<string> Generate(int count)
    {
        var characters = new RandomCharacters(stackalloc byte[BlockSize]);
        var keys = new HashSet<string>(count, StringComparer.Ordinal);
        while (keys.Count < count)
            keys.Add(Next(ref characters));
        return [.. keys];
    }

    /// <summary>A code that is neither reserved nor offensive. Uniqueness is the store's to decide.</summary>
    public static string Generate()
    {
        var characters = new RandomCharacters(stackalloc byte[SingleBlockSize]);
        return Next(ref characters);
    }

    private static string Next(ref RandomCharacters characters)
    {
        Span<char> code = stackalloc char[Length];
        while (true)
        {
            for (var i = 0; i < code.Length; i++)
                code[i] = characters.Next();
            if (OffensiveWords.Occurs(code))
                continue;
            var key = code.ToString();
            if (!ReservedWords.Contains(key))
                return key;
        }
    }

    // Uniform characters from blocks of random bytes. A number that stands for no character is drawn again: taken modulo 62, some would come more often.
    private ref struct RandomCharacters(Span<byte> block)
    {
        private readonly Span<byte> _block = block;
        private int _used = block.Length;

        public char Next()
        {
            while (true)
            {
                if (_used == _block.Length)
                {
                    RandomNumberGenerator.Fill(_block);
                    _used = 0;
                }

                var number = _block[_used++] & (Draw - 1);
                if (number < Base62.Length)
                    return Base62[number];
            }
        }
    }
}
