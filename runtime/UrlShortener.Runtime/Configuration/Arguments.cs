namespace UrlShortener.Runtime.Configuration;

/// <summary>
/// Settings on the command line. ASP.NET Core's parser skips arguments that it does not understand, so a mistyped command or option would start a server.
/// Here, each argument must be part of a setting.
/// </summary>
internal static class Arguments
{
    /// <summary>Arguments that are not <c>--Section:Name value</c>, <c>--Section:Name=value</c> or <c>Section:Name=value</c>; empty if all are valid.</summary>
    public static IReadOnlyList<string> FindErrors(IReadOnlyList<string> args)
    {
        var errors = new List<string>();
        for (var i = 0; i < args.Count; i++)
        {
            var arg = args[i];
            var equals = arg.IndexOf('=', StringComparison.Ordinal);
            var name = (equals < 0 ? arg : arg[..equals]) switch
            {
                ['-', '-', .. var rest] => rest,
                ['-', ..] => "",
                ['/', .. var rest] => rest,
                var bare => equals < 0 ? "" : bare,
            };
            var isFollowedByValue = i + 1 < args.Count && !args[i + 1].StartsWith("--", StringComparison.Ordinal);
            if (name.Length == 0)
                errors.Add($"{arg} is not a command and not a setting. Settings are written --Section:Name value or --Section:Name=value.");
            else if (equals < 0 && isFollowedByValue)
                i++;
            else if (equals < 0)
                errors.Add(
                    Settings.IsKnown(name) ? $"{arg} has no value. Write {arg} value or {arg}=value." : $"{arg} is not an option here and not a setting."
                );
        }

        return errors;
    }
}
