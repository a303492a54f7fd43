namespace UrlShortener.Runtime;

/// <summary>Exit codes of the process, after sysexits.h where it has one.</summary>
internal static class ExitCode
{
    /// <summary>Finished, or stopped on request.</summary>
    public const int Done = 0;

    /// <summary>Failed for a reason that may be temporary, such as a port in use or an unreachable database; also: the command was refused.</summary>
    public const int Failed = 1;

    /// <summary>The command line is not valid (EX_USAGE).</summary>
    public const int Usage = 64;

    /// <summary>A setting is wrong (EX_CONFIG). Starting again without a change fails in the same way.</summary>
    public const int Configuration = 78;
}
