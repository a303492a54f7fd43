using System.Text.Json;

namespace UrlShortener.Operator.Webhooks;

/// <summary>How requests about a kind are judged.</summary>
internal interface IAdmissionPolicy
{
    /// <summary>Judges a request that creates, changes or deletes an object.</summary>
    AdmissionDecision Judge(AdmissionRequest request);

    /// <summary>Judges the scaling of an object.</summary>
    /// <param name="current">The object as it is.</param>
    /// <param name="replicas">What it is to be scaled to.</param>
    AdmissionDecision JudgeScale(JsonElement current, int replicas);
}
