using System.Net;

namespace UrlShortener.Load.OpenModel;

/// <summary>A kind of request: its share of all, the only right answer, and how one is made from a number that looks random.</summary>
internal sealed record Operation(string Name, double Share, HttpStatusCode Expected, Func<ulong, HttpRequestMessage> Build);

/// <summary>The kinds of request of a load. Which one a request is depends on its number alone, so that runs repeat.</summary>
internal sealed class OperationMix
{
    private readonly double[] _ends;

    /// <summary>Shares are relative to their sum.</summary>
    public OperationMix(IReadOnlyList<Operation> operations)
    {
        Operations = operations;
        var (total, sum) = (operations.Sum(operation => operation.Share), 0.0);
        _ends = [.. operations.Select(operation => (sum += operation.Share) / total)];
    }

    /// <summary>The kinds.</summary>
    public IReadOnlyList<Operation> Operations { get; }

    /// <summary>The kind of a request, by its place among <see cref="Operations"/>, and the number to make it from.</summary>
    public (int Operation, ulong Seed) Choose(long number)
    {
        var bits = Scatter((ulong)number);
        var share = (bits >> 11) * (1.0 / (1UL << 53));
        var index = Array.FindIndex(_ends, end => share < end);
        return (index < 0 ? _ends.Length - 1 : index, Scatter(bits));
    }

    /// <summary>SplitMix64: neighbouring numbers become unrelated ones.</summary>
    private static ulong Scatter(ulong value)
    {
        value += 0x9E3779B97F4A7C15;
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
