using System.Globalization;
using System.Text.RegularExpressions;
using k8s.Models;
using UrlShortener.Operator.Entities.Spec;

namespace UrlShortener.Operator.Validation;

/// <summary>The rules of a container's resources, the same as the API server's for pods.</summary>
internal static partial class ResourceRules
{
    private const string HugePages = "hugepages-";

    private static readonly string[] Standard = ["cpu", "memory", "ephemeral-storage"];

    /// <summary>All problems.</summary>
    /// <param name="field">Path of the resources.</param>
    /// <param name="resources">The resources.</param>
    public static IEnumerable<SpecProblem> Check(string field, ResourcesSpec resources) =>
        [
            .. resources.Requests.SelectMany(request => CheckAmount($"{field}.requests", request.Key, request.Value)),
            .. resources.Limits.SelectMany(limit => CheckAmount($"{field}.limits", limit.Key, limit.Value)),
            .. CheckRequests(field, resources),
            .. CheckHugePages(field, resources),
        ];

    private static IEnumerable<SpecProblem> CheckAmount(string field, string name, ResourceQuantity amount)
    {
        if (!IsValid(name))
            yield return new(
                field,
                $"has the resource {name}, which a container cannot have. Use cpu, memory, ephemeral-storage, hugepages-<size>, or the full name of an extended "
                    + "resource, such as example.com/gpu."
            );
        else if (IsExtended(name) && amount.ToDecimal() % 1 != 0)
            yield return new(field, $"has {name} {amount}. An extended resource is counted in whole numbers. Use a whole number.");
        else if (PageOf(name) is { } page && amount.ToDecimal() % page.ToDecimal() != 0)
            yield return new(field, $"has {name} {amount}, which is not a multiple of the page size {page}. Use a multiple.");
    }

    private static IEnumerable<SpecProblem> CheckRequests(string field, ResourcesSpec resources)
    {
        foreach (var (name, request) in resources.Requests)
        {
            var mustEqual = IsExtended(name) || name.StartsWith(HugePages, StringComparison.Ordinal);
            if (!resources.Limits.TryGetValue(name, out var limit))
            {
                if (mustEqual && IsValid(name))
                    yield return new(
                        $"{field}.limits",
                        $"has no {name}, which {field}.requests has. Nodes cannot overcommit it. Set the same amount as limit."
                    );
            }
            else if (request.ToDecimal() > limit.ToDecimal() || (mustEqual && request.ToDecimal() != limit.ToDecimal()))
                yield return new(
                    $"{field}.requests",
                    request.ToDecimal() > limit.ToDecimal()
                        ? $"requests {name} {request}, above the limit of {limit} in {field}.limits. Lower the request, or raise the limit."
                        : $"requests {name} {request}; the limit in {field}.limits is {limit}. Nodes cannot overcommit it. Set the same amount in both."
                );
        }
    }

    private static IEnumerable<SpecProblem> CheckHugePages(string field, ResourcesSpec resources)
    {
        var names = resources.Requests.Keys.Concat(resources.Limits.Keys).ToHashSet(StringComparer.Ordinal);
        if (
            names.FirstOrDefault(name => name.StartsWith(HugePages, StringComparison.Ordinal)) is { } pages
            && !names.Contains("cpu")
            && !names.Contains("memory")
        )
            yield return new(field, $"has {pages}, but neither cpu nor memory, which the API server requires beside huge pages. Set one of them.");
    }

    private static bool IsValid(string name) => Standard.Contains(name) || PageOf(name) is not null || QualifiedName().IsMatch(name);

    // The prefix kubernetes.io/ is reserved for Kubernetes.
    private static bool IsExtended(string name) => name.Contains('/', StringComparison.Ordinal) && !name.Contains("kubernetes.io/", StringComparison.Ordinal);

    // The size of a huge page; null: no huge pages.
    private static ResourceQuantity? PageOf(string name) =>
        name.StartsWith(HugePages, StringComparison.Ordinal) && PageSize().Match(name) is { Success: true } match
            ? new ResourceQuantity(string.Create(CultureInfo.InvariantCulture, $"{match.Groups[1].Value}"))
            : null;

    [GeneratedRegex("^hugepages-([1-9][0-9]{0,5}[KMGT]i)$")]
    private static partial Regex PageSize();

    [GeneratedRegex("^(?!requests[.])[a-z0-9]([-a-z0-9.]{0,243}[a-z0-9])?/[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$")]
    private static partial Regex QualifiedName();
}
