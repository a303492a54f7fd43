using System.Buffers.Binary;
using System.Text;

namespace UrlShortener.TestHarness.Tracing;

/// <summary>Reads messages of Protocol Buffers by the numbers of their fields.</summary>
internal static class Protobuf
{
    /// <summary>The fields of a message.</summary>
    public static IReadOnlyList<Field> Read(ReadOnlyMemory<byte> message)
    {
        var fields = new List<Field>();
        var rest = message;
        while (!rest.IsEmpty)
        {
            var key = ReadNumber(ref rest);
            var (number, type) = ((int)(key >> 3), key & 7);
            fields.Add(
                type switch
                {
                    0 => new Field(number, ReadNumber(ref rest), default),
                    1 => new Field(number, BinaryPrimitives.ReadUInt64LittleEndian(Take(ref rest, 8).Span), default),
                    2 => new Field(number, 0, Take(ref rest, (int)ReadNumber(ref rest))),
                    5 => new Field(number, BinaryPrimitives.ReadUInt32LittleEndian(Take(ref rest, 4).Span), default),
                    _ => throw new InvalidDataException($"Field {number} has the unknown type {type}."),
                }
            );
        }

        return fields;
    }

    private static ulong ReadNumber(ref ReadOnlyMemory<byte> rest)
    {
        ulong number = 0;
        for (var shift = 0; ; shift += 7)
        {
            var next = Take(ref rest, 1).Span[0];
            number |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80)
                return number;
        }
    }

    private static ReadOnlyMemory<byte> Take(ref ReadOnlyMemory<byte> rest, int length)
    {
        var taken = rest[..length];
        rest = rest[length..];
        return taken;
    }

    /// <summary>A field.</summary>
    /// <param name="Id">Its number in the message.</param>
    /// <param name="Number">Its value, if it is a number.</param>
    /// <param name="Bytes">Its value, if it is a text, bytes or a message.</param>
    public readonly record struct Field(int Id, ulong Number, ReadOnlyMemory<byte> Bytes)
    {
        public string Text => Encoding.UTF8.GetString(Bytes.Span);

        public string Hex => Convert.ToHexStringLower(Bytes.Span);

        public IReadOnlyList<Field> Fields => Read(Bytes);
    }
}
