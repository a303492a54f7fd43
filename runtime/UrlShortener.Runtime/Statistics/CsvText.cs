using System.Buffers;
using System.Text;

namespace UrlShortener.Runtime.Statistics;

/// <summary>Writes records of CSV (RFC 4180) in UTF-8, whose cells no spreadsheet takes for formulas. Pure.</summary>
internal static class CsvText
{
    // What makes spreadsheets compute a cell or divide it, by OWASP's list (CSV injection).
    private const string Formulas = "=+-@\t\r\n＝＋－＠";

    private static readonly SearchValues<char> Quoted = SearchValues.Create(",\"\r\n");

    /// <summary>Writes one record.</summary>
    public static void Write(IBufferWriter<byte> output, params ReadOnlySpan<string> cells)
    {
        for (var i = 0; i < cells.Length; i++)
        {
            if (i > 0)
                output.Write(","u8);
            WriteCell(output, cells[i]);
        }

        output.Write("\r\n"u8);
    }

    private static void WriteCell(IBufferWriter<byte> output, string text)
    {
        // An apostrophe makes it text. Quotes alone do not: spreadsheets remove them first.
        if (text.Length > 0 && Formulas.Contains(text[0], StringComparison.Ordinal))
            text = "'" + text;
        if (text.AsSpan().ContainsAny(Quoted))
            text = $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
        Encoding.UTF8.GetBytes(text, output);
    }
}
