using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.CompilerServices;
using UrlShortener.Operator.Entities;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Tests.Entities;

/// <summary>
/// Which accessors of the entities the operator calls, found in its compiled methods. Types that only describe or check fields do not count: the entities
/// themselves, the schema, validation and the webhook.
/// </summary>
internal static class FieldUse
{
    private const BindingFlags Own = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
    private static readonly Assembly Operator = typeof(ApiGroup).Assembly;
    private static readonly string EntityNamespace = typeof(ApiGroup).Namespace!;
    private static readonly string[] Describing = [EntityNamespace, "UrlShortener.Operator.Manifests", "UrlShortener.Operator.Webhooks"];
    private static readonly Dictionary<short, OpCode> Instructions = typeof(OpCodes)
        .GetFields(BindingFlags.Public | BindingFlags.Static)
        .Select(field => (OpCode)field.GetValue(null)!)
        .ToDictionary(code => code.Value);

    private static readonly Lazy<HashSet<int>> Called = new(FindCalled);

    /// <summary>Whether the operator reads a property.</summary>
    public static bool IsRead(PropertyInfo property) => Called.Value.Contains(property.GetMethod!.MetadataToken);

    /// <summary>Whether the operator writes a property.</summary>
    public static bool IsWritten(PropertyInfo property) => Called.Value.Contains(property.SetMethod!.MetadataToken);

    // Conversions that entities offer, such as ToCore, count if the operator calls them.
    private static HashSet<int> FindCalled()
    {
        var called = new HashSet<int>();
        var open = new Queue<MethodBase>(Operator.GetTypes().Where(Acts).SelectMany(MethodsOf));
        while (open.TryDequeue(out var method))
        {
            foreach (var callee in CallsOf(method).Where(callee => IsOf(callee.DeclaringType, EntityNamespace)))
            {
                if (called.Add(callee.MetadataToken) && !callee.IsDefined(typeof(CompilerGeneratedAttribute)))
                    open.Enqueue(callee);
            }
        }

        return called;
    }

    private static bool Acts(Type type)
    {
        var outermost = type;
        while (outermost.DeclaringType is { } outer)
            outermost = outer;
        return !Describing.Any(name => IsOf(outermost, name)) && !IsValidation(outermost);
    }

    private static bool IsValidation(Type type) =>
        type.GetMethods(Own)
            .Any(method =>
                method.ReturnType == typeof(SpecProblem)
                || (method.ReturnType.IsGenericType && method.ReturnType.GenericTypeArguments.Contains(typeof(SpecProblem)))
            );

    private static bool IsOf(Type? type, string name) =>
        type?.Assembly == Operator && (type.Namespace == name || type.Namespace?.StartsWith(name + ".", StringComparison.Ordinal) == true);

    private static IEnumerable<MethodBase> MethodsOf(Type type) => [.. type.GetMethods(Own), .. type.GetConstructors(Own)];

    private static IEnumerable<MethodBase> CallsOf(MethodBase method)
    {
        if (method.GetMethodBody()?.GetILAsByteArray() is not { } code)
            yield break;
        var typeArguments = method.DeclaringType is { IsGenericType: true } type ? type.GetGenericArguments() : null;
        var methodArguments = method.IsGenericMethod ? method.GetGenericArguments() : null;
        for (var at = 0; at < code.Length; )
        {
            // Two-byte instructions start with 0xFE.
            var instruction = code[at] == 0xFE ? Instructions[(short)((code[at] << 8) | code[at + 1])] : Instructions[code[at]];
            at += instruction.Size;
            if (instruction.OperandType == OperandType.InlineMethod)
                yield return method.Module.ResolveMethod(BitConverter.ToInt32(code, at), typeArguments, methodArguments)!;
            at += LengthOf(instruction.OperandType, code, at);
        }
    }

    private static int LengthOf(OperandType operand, byte[] code, int at) =>
        operand switch
        {
            OperandType.InlineNone => 0,
            OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
            OperandType.InlineVar => 2,
            OperandType.InlineI8 or OperandType.InlineR => 8,
            OperandType.InlineSwitch => 4 + (4 * BitConverter.ToInt32(code, at)),
            _ => 4,
        };
}
