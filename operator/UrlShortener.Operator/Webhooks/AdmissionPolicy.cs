using System.Text.Json;
using k8s;
using k8s.Models;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Webhooks;

/// <summary>
/// Validates requests about one kind. It validates only new and changed specifications and commands: users can still edit labels of an invalid object, and
/// remove its finalizers. A command is an annotation.
/// </summary>
/// <typeparam name="TEntity">The kind.</typeparam>
/// <typeparam name="TSpec">Its specification.</typeparam>
/// <param name="check">Finds problems of a specification, given the one that it replaces.</param>
/// <param name="warn">Finds warnings about a specification.</param>
/// <param name="scale">Returns the specification after scaling.</param>
/// <param name="commands">Annotations that command something, each with the problem of its value, given the object as it is stored; null: none.</param>
/// <param name="checkDeletion">Why a user may not delete an object; null: the deletion is allowed.</param>
internal sealed class AdmissionPolicy<TEntity, TSpec>(
    Func<TSpec, TSpec?, IReadOnlyList<SpecProblem>> check,
    Func<TSpec, IReadOnlyList<string>> warn,
    Func<TSpec, int, TSpec> scale,
    IReadOnlyDictionary<string, Func<TEntity, string, SpecProblem?>> commands,
    Func<TEntity, string, string?> checkDeletion
) : IAdmissionPolicy
    where TEntity : class, IKubernetesObject<V1ObjectMeta>, ISpec<TSpec>
    where TSpec : class
{
    private const string Unreadable = "This version of the operator cannot read the object: ";

    /// <inheritdoc />
    public AdmissionDecision Judge(AdmissionRequest request)
    {
        try
        {
            return request.Operation == "DELETE" ? JudgeDeletion(request) : JudgeWrite(request);
        }
        catch (JsonException error)
        {
            return AdmissionDecision.Refused(Unreadable + error.Message);
        }
    }

    /// <inheritdoc />
    public AdmissionDecision JudgeScale(JsonElement current, int replicas)
    {
        try
        {
            var spec = Read(current).Spec;
            return AdmissionDecision.Of(check(scale(spec, replicas), spec), []);
        }
        catch (JsonException error)
        {
            return AdmissionDecision.Refused(Unreadable + error.Message);
        }
    }

    private AdmissionDecision JudgeWrite(AdmissionRequest request)
    {
        if (request.Object is not { ValueKind: JsonValueKind.Object } written)
            return AdmissionDecision.Refused("The request contains no object.");
        var old = request.OldObject is { ValueKind: JsonValueKind.Object } there ? there : (JsonElement?)null;
        var isSameSpec = old is not null && HasSameSpec(written, old.Value);
        var given = commands
            .Keys.Select(command => (Command: command, Value: ReadCommand(written, command)))
            .Where(one => !string.IsNullOrEmpty(one.Value) && (old is null || ReadCommand(old.Value, one.Command) != one.Value))
            .ToList();
        if (isSameSpec && given.Count == 0)
            return AdmissionDecision.Allowed;
        var entity = Read(written);
        if (entity.Metadata.DeletionTimestamp is not null)
            return AdmissionDecision.Allowed;
        var former = old is null ? null : Read(old.Value);
        var problems = new List<SpecProblem>();
        if (former is null)
            problems.AddRange(NameRules.Check(entity.Metadata));
        if (!isSameSpec)
            problems.AddRange(check(entity.Spec, former?.Spec));
        problems.AddRange(given.Select(one => commands[one.Command](former ?? entity, one.Value!)).OfType<SpecProblem>());
        return AdmissionDecision.Of(problems, isSameSpec ? [] : warn(entity.Spec));
    }

    private static string? ReadCommand(JsonElement item, string command) =>
        item.TryGetProperty("metadata", out var metadata)
        && metadata.ValueKind == JsonValueKind.Object
        && metadata.TryGetProperty("annotations", out var annotations)
        && annotations.ValueKind == JsonValueKind.Object
        && annotations.TryGetProperty(command, out var value)
        && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    private AdmissionDecision JudgeDeletion(AdmissionRequest request) =>
        request.OldObject is { ValueKind: JsonValueKind.Object } there && checkDeletion(Read(there), request.UserInfo?.Username ?? "") is { } why
            ? AdmissionDecision.Refused(why)
            : AdmissionDecision.Allowed;

    private static bool HasSameSpec(JsonElement written, JsonElement old) =>
        written.TryGetProperty("spec", out var spec) && old.TryGetProperty("spec", out var oldSpec) && JsonElement.DeepEquals(spec, oldSpec);

    private static TEntity Read(JsonElement item) => KubernetesJson.Deserialize<TEntity>(item);
}
