using System.Globalization;
using System.Runtime.InteropServices;

namespace UrlShortener.Load;

/// <summary>What the figures were measured on; without it they say little.</summary>
internal sealed record Machine(string Processor, int Cores, long MemoryBytes, string Kernel, string Runtime, string DataFileSystem)
{
    public static Machine Describe(string dataDirectory) =>
        new(
            ReadField("/proc/cpuinfo", "model name"),
            Environment.ProcessorCount,
            1024 * long.Parse(ReadField("/proc/meminfo", "MemTotal").Split(' ')[0], CultureInfo.InvariantCulture),
            RuntimeInformation.OSDescription + ", kernel " + File.ReadAllText("/proc/sys/kernel/osrelease").Trim(),
            RuntimeInformation.FrameworkDescription,
            new DriveInfo(dataDirectory).DriveFormat
        );

    private static string ReadField(string file, string name) =>
        File.ReadLines(file).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal))?.Split(':', 2)[1].Trim() ?? "unknown";
}
