using System.Text.Json;

namespace UrlShortener.Operator.Webhooks;

/// <summary>Validates requests about a kind.</summary>
internal interface IAdmissionPolicy
{
    /// <summary>Validates a request that creates, changes or deletes an object.</summary>
    AdmissionDecision Judge(AdmissionRequest request);

    /// <summary>Validates the scaling of an object.</summary>
    /// <param name="current">The current object.</param>
    /// <param name="replicas">The requested number.</param>
    AdmissionDecision JudgeScale(JsonElement current, int replicas);
}
