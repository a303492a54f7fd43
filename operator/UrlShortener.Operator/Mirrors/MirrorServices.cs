using UrlShortener.ControllerRuntime.Hosting;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Mirrors;

/// <summary>Registers the controller that copies statuses from other clusters.</summary>
internal static class MirrorServices
{
    // Each may wait for another cluster.
    private const int Workers = 16;

    /// <summary>Adds the controller. It shares the caches of the controller of regions, which must be added too.</summary>
    public static IServiceCollection AddMirrorController(this IServiceCollection services)
    {
        MirrorMetrics.Prepare();
        return services.AddController<V1Alpha1ShortenerRegion, MirrorController>(controller =>
        {
            controller.Name = "mirror";
            controller.Workers = Workers;
            controller.Takes = region => region.IsRemote;
        });
    }
}
