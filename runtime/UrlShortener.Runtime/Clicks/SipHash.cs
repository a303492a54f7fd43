using System.Buffers.Binary;
using System.Numerics;

namespace UrlShortener.Runtime.Clicks;

/// <summary>
/// SipHash-2-4 with a result of 128 bits: a keyed pseudo-random function for short inputs (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012, and
/// the longer result of the authors' reference). Without the key, results tell nothing about inputs.
/// </summary>
/// <param name="k0">Bytes 0 to 7 of the key, little endian.</param>
/// <param name="k1">Bytes 8 to 15.</param>
internal readonly struct SipHash(ulong k0, ulong k1)
{
    /// <summary>Length of a key in bytes.</summary>
    public const int KeySize = 16;

    /// <summary>Length of a result in bytes.</summary>
    public const int Size = 16;

    /// <summary>Takes a key of <see cref="KeySize"/> bytes.</summary>
    public static SipHash WithKey(ReadOnlySpan<byte> key) =>
        new(BinaryPrimitives.ReadUInt64LittleEndian(key), BinaryPrimitives.ReadUInt64LittleEndian(key[sizeof(ulong)..KeySize]));

    /// <summary>Hashes a message. Writes the <see cref="Size"/> bytes of the result.</summary>
    public void Hash(ReadOnlySpan<byte> message, Span<byte> result)
    {
        // The state begins with "somepseudorandomlygeneratedbytes". 0xee in two places sets the long result apart from the short one.
        var state = new State(k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d ^ 0xee, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573);
        // The last word ends with the length.
        var last = (ulong)message.Length << 56;
        for (; message.Length >= sizeof(ulong); message = message[sizeof(ulong)..])
            state.Absorb(BinaryPrimitives.ReadUInt64LittleEndian(message));
        for (var i = 0; i < message.Length; i++)
            last |= (ulong)message[i] << (8 * i);
        state.Absorb(last);
        BinaryPrimitives.WriteUInt64LittleEndian(result, state.Finish(0, 0xee));
        BinaryPrimitives.WriteUInt64LittleEndian(result[sizeof(ulong)..], state.Finish(0xdd, 0));
    }

    private struct State(ulong v0, ulong v1, ulong v2, ulong v3)
    {
        public void Absorb(ulong word)
        {
            v3 ^= word;
            Round();
            Round();
            v0 ^= word;
        }

        public ulong Finish(ulong mark1, ulong mark2)
        {
            v1 ^= mark1;
            v2 ^= mark2;
            for (var i = 0; i < 4; i++)
                Round();
            return v0 ^ v1 ^ v2 ^ v3;
        }

        private void Round()
        {
            v0 += v1;
            v2 += v3;
            v1 = BitOperations.RotateLeft(v1, 13) ^ v0;
            v3 = BitOperations.RotateLeft(v3, 16) ^ v2;
            v0 = BitOperations.RotateLeft(v0, 32) + v3;
            v2 += v1;
            v1 = BitOperations.RotateLeft(v1, 17) ^ v2;
            v3 = BitOperations.RotateLeft(v3, 21) ^ v0;
            v2 = BitOperations.RotateLeft(v2, 32);
        }
    }
}
