namespace UrlShortener.Operator.Entities.Spec;

/// <summary>Values of <see cref="RegionSpec.Suspend"/>. Strings, so that an operator can read a value that its version does not define.</summary>
internal static class SuspendMode
{
    /// <summary>The operator reconciles the region.</summary>
    public const string None = "None";

    /// <summary>The operator changes nothing.</summary>
    public const string Changes = "Changes";
}
