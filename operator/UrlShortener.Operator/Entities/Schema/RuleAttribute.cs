namespace UrlShortener.Operator.Entities.Schema;

/// <summary>
/// A CEL rule that the API server checks with the schema (<c>x-kubernetes-validations</c>). The validation classes repeat each rule in C# with a longer
/// message, for the webhook and the reconcile.
/// </summary>
/// <param name="expression">CEL. <c>self</c> is the value with the attribute; <c>oldSelf</c> makes it a transition rule. Only what Kubernetes 1.30
/// compiles.</param>
/// <param name="message">Message to the user: what must hold, without a full stop.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Property, AllowMultiple = true)]
internal sealed class RuleAttribute(string expression, string message) : Attribute
{
    /// <summary>The CEL expression; the API server refuses the object if it is false.</summary>
    public string Expression => expression;

    /// <summary>The message of the refusal.</summary>
    public string Message => message;
}
