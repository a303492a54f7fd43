using System.Globalization;
using System.Text;

namespace UrlShortener.Runtime.Hosts;

/// <summary>
/// Finds host names that may be mistaken for others: labels that mix scripts beyond the Highly Restrictive level of UTS 39 (section 5.2), labels in rare
/// scripts, and labels of Cyrillic, Greek, Armenian or Georgian letters that all look Latin. The result is a hint for a warning, not proof. ASCII look-alikes
/// such as paypa1 are not detected.
/// </summary>
internal static class Confusables
{
    // Letters of other scripts that look like Latin ones in common fonts. The Cyrillic ones are those of Chromium
    // (components/url_formatter/spoof_checks/idn_spoof_checker.cc): a longer list would match ordinary words.
    private const string LooksLatin =
        "асԁеһіјӏорԗԛѕԝхуъьҽпгѵѡ" // Cyrillic
        + "αγεικνορτυχωηβϳ" // Greek
        + "օոսհյցզգղք" // Armenian
        + "იოყძხჽჿ"; // Georgian

    // Small capitals and script forms that UTS 39 does not recommend, but that the Latin ranges below include.
    private const string LatinLookAlikes = "ɑɡɪɩɴʀʏʙʜʟɢɶɾɿʋʌʍʐʑǀǁǂǃ";

    // Common characters that belong to East Asian text. Other common characters that are not letters or digits can pass for '/', '.', '-' or '?'.
    private const string EastAsianCommon = "·・ー々〆〇";

    private enum Script
    {
        Neutral,
        Restricted,
        Latin,
        Greek,
        Cyrillic,
        Armenian,
        Georgian,
        Hebrew,
        Arabic,
        Thaana,
        Devanagari,
        Bengali,
        Gurmukhi,
        Gujarati,
        Oriya,
        Tamil,
        Telugu,
        Kannada,
        Malayalam,
        Sinhala,
        Thai,
        Lao,
        Tibetan,
        Myanmar,
        Ethiopic,
        Khmer,
        Hangul,
        Hiragana,
        Katakana,
        Bopomofo,
        Han,
    }

    // The recommended scripts (UAX 31, table 5), sorted. Upper case and compatibility forms are missing because the IDN mapping has already removed them.
    private static readonly (int First, int Last, Script Script)[] Ranges =
    [
        ('a', 'z', Script.Latin),
        (0x00DF, 0x00F6, Script.Latin),
        (0x00F8, 0x02AF, Script.Latin),
        (0x0370, 0x03FF, Script.Greek),
        (0x0400, 0x052F, Script.Cyrillic),
        (0x0531, 0x058F, Script.Armenian),
        (0x0591, 0x05F4, Script.Hebrew),
        (0x0610, 0x065F, Script.Arabic),
        (0x066E, 0x06EF, Script.Arabic),
        (0x06FA, 0x06FF, Script.Arabic),
        (0x0750, 0x077F, Script.Arabic),
        (0x0780, 0x07B1, Script.Thaana),
        (0x0870, 0x08FF, Script.Arabic),
        (0x0900, 0x097F, Script.Devanagari),
        (0x0980, 0x09FF, Script.Bengali),
        (0x0A01, 0x0A7F, Script.Gurmukhi),
        (0x0A81, 0x0AFF, Script.Gujarati),
        (0x0B01, 0x0B7F, Script.Oriya),
        (0x0B82, 0x0BFF, Script.Tamil),
        (0x0C00, 0x0C7F, Script.Telugu),
        (0x0C80, 0x0CFF, Script.Kannada),
        (0x0D00, 0x0D7F, Script.Malayalam),
        (0x0D81, 0x0DFF, Script.Sinhala),
        (0x0E01, 0x0E5B, Script.Thai),
        (0x0E81, 0x0EDF, Script.Lao),
        (0x0F00, 0x0FDA, Script.Tibetan),
        (0x1000, 0x109F, Script.Myanmar),
        (0x10D0, 0x10FF, Script.Georgian),
        (0x1100, 0x11FF, Script.Hangul),
        (0x1200, 0x139F, Script.Ethiopic),
        (0x1780, 0x17FF, Script.Khmer),
        (0x1C80, 0x1C8F, Script.Cyrillic),
        (0x1E00, 0x1EFF, Script.Latin),
        (0x1F00, 0x1FFF, Script.Greek),
        (0x2D80, 0x2DDE, Script.Ethiopic),
        (0x2DE0, 0x2DFF, Script.Cyrillic),
        (0x3041, 0x3096, Script.Hiragana),
        (0x309D, 0x309F, Script.Hiragana),
        (0x30A1, 0x30FA, Script.Katakana),
        (0x30FD, 0x30FF, Script.Katakana),
        (0x3105, 0x312F, Script.Bopomofo),
        (0x31A0, 0x31BF, Script.Bopomofo),
        (0x31F0, 0x31FF, Script.Katakana),
        (0x3400, 0x4DBF, Script.Han),
        (0x4E00, 0x9FFF, Script.Han),
        (0xA640, 0xA69F, Script.Cyrillic),
        (0xA8E0, 0xA8FF, Script.Devanagari),
        (0xA9E0, 0xA9FE, Script.Myanmar),
        (0xAA60, 0xAA7F, Script.Myanmar),
        (0xAB01, 0xAB2E, Script.Ethiopic),
        (0xAC00, 0xD7A3, Script.Hangul),
        (0x20000, 0x323AF, Script.Han),
    ];

    private static readonly uint Japanese = Bit(Script.Latin) | Bit(Script.Han) | Bit(Script.Hiragana) | Bit(Script.Katakana);
    private static readonly uint Chinese = Bit(Script.Latin) | Bit(Script.Han) | Bit(Script.Bopomofo);
    private static readonly uint Korean = Bit(Script.Latin) | Bit(Script.Han) | Bit(Script.Hangul);

    /// <summary>Whether any label of a host may be mistaken for another.</summary>
    /// <param name="labels">The labels in Unicode, mapped by UTS 46, leftmost first; at least one.</param>
    public static bool Contains(ReadOnlySpan<string> labels)
    {
        // аррӏе under рф is an ordinary Russian name. It looks like a Latin name only with a Latin suffix.
        var isSuffixLatin = Ascii.IsValid(labels[^1]);
        foreach (var label in labels)
        {
            if (!Ascii.IsValid(label) && IsConfusable(label, isSuffixLatin))
                return true;
        }

        return false;
    }

    private static bool IsConfusable(string label, bool isSuffixLatin)
    {
        var scripts = 0u;
        var looksLatin = isSuffixLatin;
        foreach (var rune in label.EnumerateRunes())
        {
            var script = Find(rune);
            if (script == Script.Neutral)
                continue;
            scripts |= Bit(script);
            looksLatin = looksLatin && rune.IsBmp && LooksLatin.Contains((char)rune.Value);
        }

        if ((scripts & Bit(Script.Restricted)) != 0 || (looksLatin && scripts != 0))
            return true;

        var isOneScript = (scripts & (scripts - 1)) == 0;
        return !isOneScript && (scripts & ~Japanese) != 0 && (scripts & ~Chinese) != 0 && (scripts & ~Korean) != 0;
    }

    private static Script Find(Rune rune)
    {
        if (rune.IsBmp && LatinLookAlikes.Contains((char)rune.Value))
            return Script.Restricted;
        if (rune.IsBmp && EastAsianCommon.Contains((char)rune.Value))
            return Script.Neutral;

        foreach (var (first, last, script) in Ranges)
        {
            if (rune.Value <= last)
            {
                if (rune.Value >= first)
                    return script;
                break;
            }
        }

        // All scripts share digits, marks and symbols. Nobody mistakes an emoji for another character.
        return rune.IsAscii
            ? Script.Neutral
            : Rune.GetUnicodeCategory(rune) switch
            {
                UnicodeCategory.DecimalDigitNumber
                or UnicodeCategory.NonSpacingMark
                or UnicodeCategory.SpacingCombiningMark
                or UnicodeCategory.EnclosingMark
                or UnicodeCategory.OtherSymbol
                or UnicodeCategory.Format => Script.Neutral,
                _ => Script.Restricted,
            };
    }

    private static uint Bit(Script script) => 1u << (int)script;
}
