namespace UrlShortener.Operator.Entities.Schema;

/// <summary>
/// A rule that the API server checks with the schema (<c>x-kubernetes-validations</c>, Kubernetes 1.25 and newer). The same rule stands in
/// <c>Validation</c> in C#, for servers that cannot.
/// </summary>
/// <param name="expression">CEL; <c>self</c> is what the attribute stands on, <c>oldSelf</c> makes it a rule of changes. Only what 1.25 compiles.</param>
/// <param name="message">What the user reads: what must hold, as a sentence without a full stop.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Property, AllowMultiple = true)]
internal sealed class RuleAttribute(string expression, string message) : Attribute
{
    /// <summary>The CEL expression; false refuses the object.</summary>
    public string Expression => expression;

    /// <summary>The words of the refusal.</summary>
    public string Message => message;
}
