namespace UrlShortener.Runtime;

/// <summary>Exit codes of the process, after sysexits.h where it has one.</summary>
internal static class ExitCode
{
    /// <summary>Done, or stopped as asked.</summary>
    public const int Done = 0;

    /// <summary>Failed for a reason that may pass, such as a port in use or a database that does not answer; also a command that was refused.</summary>
    public const int Failed = 1;

    /// <summary>The command line was not understood (EX_USAGE).</summary>
    public const int Usage = 64;

    /// <summary>A setting is wrong (EX_CONFIG). Starting again without a change ends the same way.</summary>
    public const int Configuration = 78;
}
