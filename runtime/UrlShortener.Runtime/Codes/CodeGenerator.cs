using System.Security.Cryptography;

namespace UrlShortener.Runtime.Codes;

/// <summary>
/// Generates unpredictable codes: 7 uniform characters of base62 from the system's cryptographic generator, 3.5 × 10^12 possible codes. The specification's
/// <c>-</c> and <c>_</c> are not used because links with them break when they are pasted into text.
/// </summary>
internal static class CodeGenerator
{
    /// <summary>Length of a generated code, in characters.</summary>
    public const int Length = 7;

    /// <summary>Characters that a generated code is made of.</summary>
    public const int AlphabetSize = 62;

    private const string Base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    // The smallest power of two that is not below the number of characters.
    private const int Draw = 64;

    // Bytes requested from the system's generator in one call when many codes are generated: most of the cost of a single code is the call.
    private const int BlockSize = 2_048;

    // A few more bytes than a code has characters, for rejected values. Fewer than one code in a thousand needs a second block.
    private const int SingleBlockSize = 10;

    /// <summary>Generates distinct codes.</summary>
    public static IReadOnlyList<string> Generate(int count)
    {
        var characters = new RandomCharacters(stackalloc byte[BlockSize]);
        var keys = new HashSet<string>(count, StringComparer.Ordinal);
        while (keys.Count < count)
            keys.Add(Next(ref characters));
        return [.. keys];
    }

    /// <summary>Generates a code that is neither reserved nor offensive. The store ensures uniqueness.</summary>
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

    // Uniform characters from blocks of random bytes. A value without a character is rejected and drawn again: modulo 62 would favor some characters.
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
