using BenchmarkDotNet.Running;

BenchmarkSwitcher.FromAssembly(typeof(UrlShortener.Benchmarks.RedirectBenchmarks).Assembly).Run(args);
