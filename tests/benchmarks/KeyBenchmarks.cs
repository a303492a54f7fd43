using BenchmarkDotNet.Attributes;
using UrlShortener.Runtime.Codes;

namespace UrlShortener.Benchmarks;

/// <summary>What a short code costs before anything is stored.</summary>
[MemoryDiagnoser]
public class KeyBenchmarks
{
    private const int Batch = 10_000;

    /// <summary>A code of a batch, as the key generation service makes them.</summary>
    [Benchmark(OperationsPerInvoke = Batch)]
    public object Batched() => CodeGenerator.Generate(Batch);

    /// <summary>A code made on demand, because the pool was empty.</summary>
    [Benchmark]
    public string OnDemand() => CodeGenerator.Generate();
}
