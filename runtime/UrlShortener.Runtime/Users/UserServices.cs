namespace UrlShortener.Runtime.Users;

/// <summary>Registers users.</summary>
internal static class UserServices
{
    /// <summary>Registers users.</summary>
    public static void AddUsers(this IServiceCollection services)
    {
        services.AddSingleton<UserDirectory>();
        services.AddSingleton<StorageQuota>();
        services.AddHostedService<UserActivityRecorder>();
    }
}
