using System.Globalization;

namespace UrlShortener.Load;

/// <summary>Processor time of the whole machine, from /proc/stat.</summary>
internal sealed record MachineTime(TimeSpan Busy, TimeSpan Total)
{
    // USER_HZ, fixed at 100 in what Linux shows to programs.
    private const double TicksPerSecond = 100;

    public static MachineTime Read()
    {
        // user nice system idle iowait irq softirq steal; guest time is already in user.
        double[] ticks =
        [
            .. File.ReadLines("/proc/stat")
                .First()
                .Split(' ', StringSplitOptions.RemoveEmptyEntries)
                .Skip(1)
                .Take(8)
                .Select(field => double.Parse(field, CultureInfo.InvariantCulture)),
        ];
        var (total, idle) = (ticks.Sum(), ticks[3] + ticks[4]);
        return new MachineTime(TimeSpan.FromSeconds((total - idle) / TicksPerSecond), TimeSpan.FromSeconds(total / TicksPerSecond));
    }

    /// <summary>The share of the machine, since <paramref name="earlier"/>, that went to anything but <paramref name="ours"/>.</summary>
    public double ShareOfOthers(MachineTime earlier, TimeSpan ours) => Math.Max(0, (Busy - earlier.Busy - ours) / (Total - earlier.Total));
}
