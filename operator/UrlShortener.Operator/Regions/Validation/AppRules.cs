using UrlShortener.Operator.Apply;
using UrlShortener.Operator.Entities.Spec;
using UrlShortener.Operator.Validation;

namespace UrlShortener.Operator.Regions.Validation;

/// <summary>The rules of <c>spec.app</c>.</summary>
internal static class AppRules
{
    /// <summary>All problems.</summary>
    public static IEnumerable<SpecProblem> Check(AppSpec app) =>
        [
            .. CheckReplicas(app),
            .. ResourceRules.Check("spec.app.resources", app.Resources),
            .. KeyRules.Check("spec.app.nodeSelector", app.NodeSelector.Keys),
            .. KeyRules.Check("spec.app.podLabels", app.PodLabels.Keys, Labels.OwnPrefix, Labels.CommonPrefix),
            .. KeyRules.Check("spec.app.podAnnotations", app.PodAnnotations.Keys, Labels.OwnPrefix),
            .. KeyRules.Check("spec.app.service.annotations", app.Service.Annotations.Keys, Labels.OwnPrefix),
            .. TolerationRules.Check("spec.app.tolerations", app.Tolerations),
            .. CheckSpread(app.TopologySpreadConstraints),
            .. SettingRules.Check(app.Settings),
        ];

    /// <summary>Warnings about values that are valid but probably unintended.</summary>
    public static IEnumerable<string> Warnings(AppSpec app)
    {
        if (ImageNames.WarnAbout("spec.app.image", app.Image) is { } image)
            yield return image;
        if (app.MinReplicas == 1)
            yield return "spec.app.minReplicas is 1. The region does not serve while its only pod is unavailable. Use 2 or more.";
        if (app.StandbyMinReplicas == 0)
            yield return "spec.app.standbyMinReplicas is 0. A standby region then runs no pods, and needs minutes to start them.";
        if (!app.Resources.Requests.ContainsKey("cpu"))
            yield return "spec.app.resources.requests has no cpu. The autoscaler cannot compute the CPU use of the pods and does not add any. Set cpu.";
    }

    private static IEnumerable<SpecProblem> CheckReplicas(AppSpec app)
    {
        if (app.MinReplicas > app.MaxReplicas)
            yield return new("spec.app.minReplicas", $"is {app.MinReplicas}, above spec.app.maxReplicas ({app.MaxReplicas}). Lower it, or raise maxReplicas.");
        if (app.StandbyMinReplicas > app.MaxReplicas)
            yield return new(
                "spec.app.standbyMinReplicas",
                $"is {app.StandbyMinReplicas}, above spec.app.maxReplicas ({app.MaxReplicas}). Lower it, or raise maxReplicas."
            );
    }

    // The API server refuses such pods.
    private static IEnumerable<SpecProblem> CheckSpread(IReadOnlyList<SpreadConstraint> constraints)
    {
        var found = new HashSet<(string Key, string Action)>();
        foreach (var (index, constraint) in constraints.Index())
        {
            var field = $"spec.app.topologySpreadConstraints[{index}]";
            if (!found.Add((constraint.TopologyKey, constraint.WhenUnsatisfiable)))
                yield return new(field, $"has the same topologyKey ({constraint.TopologyKey}) and whenUnsatisfiable as another constraint. Remove one.");
        }
    }
}
