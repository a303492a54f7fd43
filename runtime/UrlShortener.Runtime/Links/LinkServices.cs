namespace UrlShortener.Runtime.Links;

/// <summary>Registers the links API.</summary>
internal static class LinkServices
{
    /// <summary>Registers it.</summary>
    public static void AddLinks(this IServiceCollection services)
    {
        services.AddSingleton<LinkRules>();
        services.AddSingleton<LinkCreator>();
        services.AddSingleton<LinkUpdater>();
        services.AddSingleton<OwnLinks>();
        services.AddSingleton<LinkEndpoints>();
    }
}
