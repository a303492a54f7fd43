using UrlShortener.Runtime.Configuration;
using Xunit;

namespace UrlShortener.Runtime.Tests.Configuration;

public sealed class EnvironmentNamesTests
{
    private static readonly string[] Services =
    [
        "KUBERNETES",
        "FOO",
        "ABUSE",
        "CACHING",
        "CLICKS",
        "KEYS",
        "KGS",
        "LINKS",
        "POSTGRES",
        "PROXIES",
        "REDIS",
        "REGION",
        "ROLE",
        "STORAGE",
    ];

    // Kubernetes sets them for each service of a namespace.
    private static readonly string[] LinkVariables =
    [
        "SERVICE_HOST",
        "SERVICE_PORT",
        "SERVICE_PORT_HTTP",
        "PORT",
        "PORT_80_TCP",
        "PORT_80_TCP_PROTO",
        "PORT_80_TCP_PORT",
        "PORT_80_TCP_ADDR",
    ];

    [Theory]
    // A section that differs by letters.
    [InlineData("Link__PublicBaseUrl", "Links__…")]
    [InlineData("RateLimitng__Free", "RateLimiting__…")]
    [InlineData("KEY__PoolSize", "Keys__…")]
    [InlineData("ASPNETCORE_Link__PublicBaseUrl", "Links__…")]
    [InlineData("Link:PublicBaseUrl", "Links__…")]
    // A section that begins alike, with a key of it.
    [InlineData("RateLimit__Enabled", "RateLimiting__…")]
    [InlineData("RATELIMITS__ENABLED", "RateLimiting__…")]
    [InlineData("Proxy__Trusted__0", "Proxies__…")]
    [InlineData("Auth__Jwt__Authority", "Authentication__…")]
    [InlineData("Loging__LogLevel__Default", "Logging__…")]
    [InlineData("Kestrels__Endpoints__Http__Url", "Kestrel__…")]
    // Wrong underscores.
    [InlineData("Links_PublicBaseUrl", "Links__PublicBaseUrl?")]
    [InlineData("DOTNET_Links_PublicBaseUrl", "DOTNET_Links__PublicBaseUrl?")]
    [InlineData("LINKS_PUBLICBASEURL", "Links__PublicBaseUrl?")]
    [InlineData("LINKS_PUBLIC_BASE_URL", "Links__PublicBaseUrl?")]
    [InlineData("Links_Public_Base_Url", "Links__PublicBaseUrl?")]
    [InlineData("Region_Name", "Region__Name?")]
    [InlineData("Proxies_Trusted_0", "Proxies__Trusted__…?")]
    [InlineData("Proxies_Trusted0", "Proxies__Trusted__…?")]
    [InlineData("Links_OwnHosts__0", "Links__OwnHosts__…?")]
    [InlineData("Authentication_Jwt__Authority", "Authentication__Jwt__Authority?")]
    [InlineData("Authentication_Jwt_Authority", "Authentication__Jwt__Authority?")]
    [InlineData("ConnectionStrings_Postgres", "ConnectionStrings__Postgres?")]
    [InlineData("Logging_LogLevel_Default", "Logging__LogLevel__…?")]
    [InlineData("Kestrel_Endpoints_Http_Url", "Kestrel__Endpoints__…?")]
    public void FindErrors_MisspeltSetting_IsTold(string variable, string hint)
    {
        var error = Assert.Single(Settings.FindErrorsOfEnvironment([new(variable, "1")]));

        Assert.Contains($"Did you mean {hint}", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Rolle", "kgs")]
    [InlineData("Rol", "App")]
    [InlineData("ROEL", "all")]
    public void FindErrors_MisspeltRole_IsTold(string variable, string value) =>
        Assert.StartsWith(
            $"{variable} in the environment is not a setting. Did you mean Role?",
            Assert.Single(Settings.FindErrorsOfEnvironment([new(variable, value)])),
            StringComparison.Ordinal
        );

    [Fact]
    public void FindErrors_SeveralVariablesOfOneSection_IsToldOnce() =>
        Assert.Single(Settings.FindErrorsOfEnvironment([new("Proxy__Trusted__0", "10.0.0.1"), new("Proxy__Trusted__1", "10.0.0.2")]));

    [Theory]
    [InlineData("Links__PublicBaseUrl", "https://sho.rt")]
    [InlineData("LINKS__OWNHOSTS__0", "sho.rt")]
    [InlineData("Role", "kgs")]
    [InlineData("ASPNETCORE_URLS", "http://+:80")]
    [InlineData("Kestrel__Endpoints__Http__Url", "http://+:80")]
    [InlineData("Logging__LogLevel__Default", "Debug")]
    // Of other programs, although they resemble settings of ours.
    [InlineData("KGS_TOKEN", "x")]
    [InlineData("REGION_NAME", "eu-west-1")]
    [InlineData("REDIS_TIMEOUT", "5")]
    [InlineData("REDIS_KEY_PREFIX", "shop")]
    [InlineData("POSTGRES_MAX_CONNECTIONS", "100")]
    [InlineData("STORAGE_DATA_DIRECTORY", "/data")]
    [InlineData("CACHE__DIR", "/tmp")]
    [InlineData("AUTH__SECRET", "x")]
    [InlineData("LOGIN__URL", "x")]
    [InlineData("LINKSHARE__TOKEN", "x")]
    [InlineData("PROXY__HOST", "x")]
    [InlineData("LOGGING_LOGLEVEL", "debug")]
    [InlineData("LINKS_OTHER", "x")]
    [InlineData("ROLE_ARN", "app")]
    [InlineData("MODE", "app")]
    [InlineData("ROLES", "admin,user")]
    [InlineData("KEY", "usk_x")]
    [InlineData("URL", "http://localhost:8080")]
    public void FindErrors_OtherVariable_IsIgnored(string variable, string value) => Assert.Empty(Settings.FindErrorsOfEnvironment([new(variable, value)]));

    // What images, shells, cloud providers and Kubernetes set, services with the names of our sections among them.
    [Fact]
    public void FindErrors_EnvironmentOfAPod_HasNone()
    {
        string[] names =
        [
            "PATH",
            "HOME",
            "HOSTNAME",
            "PWD",
            "OLDPWD",
            "SHLVL",
            "SHELL",
            "TERM",
            "LANG",
            "LC_ALL",
            "USER",
            "LOGNAME",
            "MAIL",
            "TZ",
            "_",
            "container",
            "POD_NAME",
            "POD_NAMESPACE",
            "POD_IP",
            "NODE_NAME",
            "HTTP_PROXY",
            "http_proxy",
            "NO_PROXY",
            "SSL_CERT_FILE",
            "APP_UID",
            "ASPNET_VERSION",
            "ASPNETCORE_HTTP_PORTS",
            "ASPNETCORE_ENVIRONMENT",
            "ASPNETCORE_FORWARDEDHEADERS_ENABLED",
            "DOTNET_VERSION",
            "DOTNET_RUNNING_IN_CONTAINER",
            "DOTNET_EnableDiagnostics",
            "DOTNET_gcServer",
            "DOTNET_GCHeapHardLimit",
            "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT",
            "AWS_REGION",
            "AWS_ROLE_ARN",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AZURE_CLIENT_ID",
            "GOOGLE_APPLICATION_CREDENTIALS",
            "OTEL_SERVICE_NAME",
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "PGPASSWORD",
            "POSTGRES_USER",
            "POSTGRES_PASSWORD",
            "POSTGRES_DB",
            "REDIS_URL",
            "DATABASE_URL",
            "SystemRoot",
            "ProgramFiles",
            .. Services.SelectMany(service => LinkVariables.Select(name => $"{service}_{name}")),
        ];

        Assert.Empty(Settings.FindErrorsOfEnvironment(names.Select(name => KeyValuePair.Create(name, "app"))));
    }
}
