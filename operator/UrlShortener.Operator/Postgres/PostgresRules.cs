using System.Collections.Frozen;
using System.Globalization;
using System.Text.RegularExpressions;
using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Conditions;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Postgres;

/// <summary>The rules of <c>spec.postgres</c>.</summary>
internal static partial class PostgresRules
{
    // Worst case of a failover without the operator is this sum, plus the time to notice and to start.
    private const int MaxSum = 26;

    private const int MinSynchronous = 3;

    private const int MajorDigits = 2;

    private const string ParametersField = "spec.postgres.parameters";

    private const int MinConnections = 30;

    private const decimal MinSize = 1024 * 1024 * 1024;

    private static readonly FrozenSet<string> OwnedParameters = NamesIn(PostgresSpec.OwnedParameters).ToFrozenSet(StringComparer.Ordinal);

    private static readonly IReadOnlyList<string> OwnedPrefixes = [.. NamesIn(PostgresSpec.OwnedPrefixes)];

    /// <summary>All problems.</summary>
    /// <param name="spec">The specification of the region.</param>
    /// <param name="oldSpec">The one that it replaces; null: none, or not known.</param>
    public static IEnumerable<SpecProblem> Check(RegionSpec spec, RegionSpec? oldSpec = null) =>
        spec.Postgres is { } postgres ? Check(postgres, oldSpec?.Postgres) : [];

    /// <summary>Warnings about values that are valid but probably unintended.</summary>
    public static IEnumerable<string> Warnings(RegionSpec region)
    {
        if (region.Postgres is not { } spec)
            yield break;
        if (ImageNames.WarnAbout("spec.postgres.image", spec.Image) is { } image)
            yield return image;
        if (spec.Instances == 1)
            yield return "spec.postgres.instances is 1. The region accepts no writes while its only member is unavailable. Use 3.";
        else if (spec.Durability == Durability.Async)
            yield return "spec.postgres.durability is Async. A failover may lose the last acknowledged writes. Use Sync.";
    }

    private static IEnumerable<SpecProblem> Check(PostgresSpec spec, PostgresSpec? oldSpec)
    {
        if (spec.Durability != Durability.Async && spec.Instances < MinSynchronous)
            yield return new(
                "spec.postgres.instances",
                $"is {spec.Instances}; durability {spec.Durability} needs at least {MinSynchronous}, so that writes continue when one member is away. Raise it, "
                    + "or set durability to Async."
            );
        if (spec.Durability != Durability.Async && spec.SyncNodeCount >= spec.Instances)
            yield return new(
                "spec.postgres.syncNodeCount",
                $"is {spec.SyncNodeCount}, which needs more than {spec.SyncNodeCount} instances; spec.postgres.instances is {spec.Instances}. Lower it."
            );
        if (spec.Storage.Size.ToDecimal() < MinSize)
            yield return new("spec.postgres.storage.size", $"is {spec.Storage.Size}; an empty database with its log needs 1Gi. Raise it.");
        var patroni = spec.Patroni;
        if (patroni.LoopWait + (2 * patroni.RetryTimeout) > patroni.Ttl)
            yield return new(
                "spec.postgres.patroni.ttl",
                $"is {patroni.Ttl}; loopWait + 2 * retryTimeout is {patroni.LoopWait + (2 * patroni.RetryTimeout)} and must be at most ttl. A primary that "
                    + "retries for longer than its lock lives would lose it without a cause. Lower loopWait or retryTimeout, or raise ttl."
            );
        if (patroni.Ttl + patroni.LoopWait > MaxSum)
            yield return new(
                "spec.postgres.patroni.loopWait",
                $"is {patroni.LoopWait}; ttl + loopWait is {patroni.Ttl + patroni.LoopWait} and must be at most {MaxSum}, so that a failover without the operator "
                    + "takes less than 30 s. Lower it."
            );
        SpecProblem[] problems =
        [
            .. ResourceRules.Check("spec.postgres.resources", spec.Resources),
            .. spec.Parameters.SelectMany(CheckParameter),
            .. KeyRules.Check("spec.postgres.nodeSelector", spec.NodeSelector.Keys),
            .. TolerationRules.Check("spec.postgres.tolerations", spec.Tolerations),
        ];
        foreach (var problem in problems)
            yield return problem;
        if (oldSpec is null)
            yield break;
        if (MajorOf(spec.Image) is { } major && MajorOf(oldSpec.Image) is { } oldMajor && major != oldMajor)
            yield return OtherMajor(spec.Image, oldMajor);
        if (spec.Storage.Size.ToDecimal() < oldSpec.Storage.Size.ToDecimal())
            yield return new("spec.postgres.storage.size", $"is {spec.Storage.Size}, and was {oldSpec.Storage.Size}. Volumes cannot shrink. Raise it.");
        if (spec.Storage.StorageClassName != oldSpec.Storage.StorageClassName)
            yield return new("spec.postgres.storage.storageClassName", "cannot be changed: volumes keep their class. Return to the former value.");
    }

    /// <summary>The problem of an image with another major version than the data has.</summary>
    /// <param name="spec">The specification of the region.</param>
    /// <param name="running">Version that the primary reports, such as 170002; null: not known.</param>
    /// <param name="told">Version in the status, such as 17.2; null: not known.</param>
    public static IEnumerable<SpecProblem> CheckVersion(RegionSpec spec, int? running, string? told)
    {
        var data = running / 10_000 ?? (int.TryParse(told?.Split('.')[0], NumberStyles.None, CultureInfo.InvariantCulture, out var major) ? major : null);
        if (spec.Postgres is { } postgres && data is { } there && MajorOf(postgres.Image) is { } wanted && wanted != there)
            yield return OtherMajor(postgres.Image, there);
    }

    /// <summary>The problem of a new value of <see cref="Labels.Switchover"/>; null: none. A former timeline is no problem: manifests in a repository may keep it.</summary>
    /// <param name="region">The region as it is stored.</param>
    /// <param name="value">The value.</param>
    public static SpecProblem? CheckSwitchover(V1Alpha1ShortenerRegion region, string value)
    {
        const string Field = $"metadata.annotations[{Labels.Switchover}]";
        var (quoted, current) = (Texts.Cut(value, SwitchoverRequest.MaxQuoted), region.Status?.Postgres?.Timeline);
        var example = string.Create(CultureInfo.InvariantCulture, $"{SwitchoverRequest.Any}@{current ?? 1}");
        if (region.Spec.Postgres is null)
            return new(Field, "asks for a switchover of a PostgreSQL that the operator does not run. Remove it.");
        if (SwitchoverRequest.Parse(value) is not { } request)
            return new(
                Field,
                $"is \"{quoted}\", which is not the name of a member or {SwitchoverRequest.Any}, an @ and a timeline. Use "
                    + $"{SwitchoverRequest.Any}@<status.postgres.timeline>, such as {example}."
            );
        return request.Timeline > current ? new(Field, $"is \"{quoted}\", but the current timeline is {current}. Use {example}.") : null;
    }

    /// <summary>Whether the operator or Patroni sets a parameter.</summary>
    public static bool IsOwned(string parameter) =>
        OwnedParameters.Contains(parameter) || OwnedPrefixes.Any(prefix => parameter.StartsWith(prefix, StringComparison.Ordinal));

    private static IEnumerable<SpecProblem> CheckParameter(KeyValuePair<string, string> parameter)
    {
        var (name, value) = parameter;
        if (!ParameterName().IsMatch(name))
            yield return new(
                ParametersField,
                $"has {Texts.Cut(name, SwitchoverRequest.MaxQuoted)}, which is not a name of a parameter. Use lower-case letters, digits, '_' and '.'."
            );
        else if (IsOwned(name))
            yield return new(ParametersField, $"has {name}, which the operator or Patroni sets. Remove it.");
        else if (value.Contains('\n', StringComparison.Ordinal))
            // In its file, PostgreSQL would read none of what follows, and not start any more.
            yield return new(ParametersField, $"has {name} with a line break. Remove it.");
        else if (
            name == "max_connections"
            && int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var connections)
            && connections < MinConnections
        )
            yield return new(ParametersField, $"has max_connections {value}; members, the operator and the app need at least {MinConnections}. Raise it.");
    }

    // The tag of an image starts with it (config/images/postgres). Other tags, and digests, say nothing.
    private static int? MajorOf(string image)
    {
        var name = image[(image.LastIndexOf('/') + 1)..].Split('@')[0];
        var tag = name.Contains(':', StringComparison.Ordinal) ? name[(name.IndexOf(':', StringComparison.Ordinal) + 1)..] : "";
        var digits = string.Concat(tag.TakeWhile(char.IsAsciiDigit));
        return digits.Length == MajorDigits && int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var major) ? major : null;
    }

    private static SpecProblem OtherMajor(string image, int data) =>
        new(
            "spec.postgres.image",
            $"is {image}, and the data is of PostgreSQL {data}. The operator does not change the major version. Use an image of PostgreSQL {data}, or create "
                + "another region and move the data with pg_dump."
        );

    // A list of CEL, without its brackets.
    private static IEnumerable<string> NamesIn(string list) => list.Split(',').Select(name => name.Trim('\''));

    [GeneratedRegex("^[a-z_][a-z0-9_.]{0,62}$")]
    private static partial Regex ParameterName();
}
