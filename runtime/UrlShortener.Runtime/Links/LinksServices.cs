namespace UrlShortener.Runtime.Links;

/// <summary>Registers the links API.</summary>
internal static class LinksServices
{
    /// <summary>Registers it.</summary>
    public static void AddLinks(this IServiceCollection services)
    {
        services.AddSingleton<LinkRules>();
        services.AddSingleton<LinkService>();
        services.AddSingleton<OwnLinks>();
        services.AddSingleton<LinkEndpoints>();
    }
}
