using System.Globalization;

namespace UrlShortener.Load;

/// <summary>The parts both reports share.</summary>
internal static class Markdown
{
    public static string Describe(Machine machine) => string.Create(CultureInfo.InvariantCulture,
        $"{machine.Processor}, {machine.Cores} cores, {machine.MemoryBytes / 1e9:0.0} GB; {machine.Kernel}; {machine.Runtime}; data on {machine.DataFileSystem}. ")
        + "The generator runs on the same machine.\n";

    public static string Describe(LoadProfile load) => string.Create(CultureInfo.InvariantCulture, $"{load.Name}: {load.Connections} connections, {load.Seconds} s a run")
        + (load.ThinkMilliseconds is { } pause ? string.Create(CultureInfo.InvariantCulture, $", a pause of {pause} ms before each request") : ", no pauses");
}
