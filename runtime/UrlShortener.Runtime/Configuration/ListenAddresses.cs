using System.Globalization;
using System.Net;
using System.Net.Sockets;
using UrlShortener.Contracts;

namespace UrlShortener.Runtime.Configuration;

/// <summary>An address to listen on.</summary>
/// <param name="Setting">Full name of the setting that contains it.</param>
/// <param name="Url">The address.</param>
internal readonly record struct ListenAddress(string Setting, string Url)
{
    /// <inheritdoc />
    public override string ToString() => $"{Setting} {Url}";
}

/// <summary>
/// The addresses to listen on. Kestrel reads these settings itself, but its errors do not name them, it treats a host with a mistyped port as "every
/// address", and it fails only after the store was opened.
/// </summary>
internal static class ListenAddresses
{
    /// <summary>Section of Kestrel's own endpoints.</summary>
    public const string Endpoints = "Kestrel:Endpoints";

    private const string Urls = "Urls";

    // Each setting with the scheme of its ports.
    private static readonly (string Setting, string Scheme)[] PortSettings = [("Http_Ports", "http"), ("Https_Ports", "https")];

    /// <summary>Whether any setting specifies where to listen.</summary>
    public static bool AreSet(IConfiguration configuration) => Of(configuration).Count > 0;

    /// <summary>Whether Kestrel's own endpoints are in force.</summary>
    public static bool AreEndpoints(IConfiguration configuration) => configuration.GetSection(Endpoints).GetChildren().Any();

    /// <summary>The addresses in force with another port, by http; the local one in place of a socket of the file system.</summary>
    public static IReadOnlyList<string> ForPort(IConfiguration configuration, int port) =>
        [
            .. Of(configuration)
                .Select(address => BindingAddress.Parse(address.Url))
                .Select(address => address.IsUnixPipe || address.IsNamedPipe ? IPAddress.Loopback.ToString() : address.Host)
                .Distinct(StringComparer.OrdinalIgnoreCase)
                .Select(host => $"http://{host}:{port.ToString(CultureInfo.InvariantCulture)}"),
        ];

    /// <summary>The error of a management port that another address has too; null: there is none. All settings must be readable.</summary>
    public static string? FindManagementConflict(IConfiguration configuration)
    {
        var port = configuration.GetValue<int?>(SettingNames.ManagementPort);
        var taken = Of(configuration).FirstOrDefault(address => PortOf(address) == port);
        return port is null || taken.Url is null
            ? null
            : $"{SettingNames.ManagementPort} must not be {port}, the port of {taken}: choose another one, or leave it out to serve metrics and probes "
                + "beside the links.";
    }

    /// <summary>The addresses in force. Kestrel's own endpoints override URLs, and URLs override ports.</summary>
    public static IReadOnlyList<ListenAddress> Of(IConfiguration configuration)
    {
        var endpoints = configuration
            .GetSection(Endpoints)
            .GetChildren()
            .Select(endpoint => new ListenAddress($"{endpoint.Path}:Url", endpoint["Url"] ?? ""))
            .ToList();
        if (endpoints.Count > 0)
            return endpoints;
        var urls = Split(configuration[Urls]).Select(url => new ListenAddress(Urls, url)).ToList();
        if (urls.Count > 0)
            return urls;
        return
        [
            .. PortSettings.SelectMany(ports =>
                Split(configuration[ports.Setting]).Select(port => new ListenAddress(ports.Setting, $"{ports.Scheme}://*:{port}"))
            ),
        ];
    }

    /// <summary>Errors of the addresses in force, each a sentence that starts with the setting's name.</summary>
    public static IEnumerable<string> FindErrors(IConfiguration configuration) =>
        from address in Of(configuration)
        let problem = FindProblem(address)
        where problem is not null
        select $"{address.Setting} {problem}";

    /// <summary>The addresses that the system refuses to listen on, with their settings; all addresses in force if it refuses none of them now.</summary>
    public static string DescribeRefused(IConfiguration configuration)
    {
        var management = configuration.GetValue<int?>(SettingNames.ManagementPort);
        var all = Of(configuration)
            .Select(address => management is not null && PortOf(address) == management ? address with { Setting = SettingNames.ManagementPort } : address)
            .ToList();
        var refused = all.Where(IsRefused).ToList();
        return string.Join(", ", refused.Count > 0 ? refused : all);
    }

    private static string? FindProblem(ListenAddress address)
    {
        if (address.Url.Length == 0)
            return "must be set, such as http://localhost:8080.";
        if (PortSettings.Any(ports => ports.Setting == address.Setting))
        {
            var port = address.Url[(address.Url.LastIndexOf(':') + 1)..];
            return IsPort(port) ? null : $"must be ports from 0 to {IPEndPoint.MaxPort}, separated by ';', not \"{port}\".";
        }

        BindingAddress parsed;
        try
        {
            parsed = BindingAddress.Parse(address.Url);
        }
        catch (FormatException)
        {
            return $"must be an address such as http://localhost:8080, not \"{address.Url}\".";
        }

        if (!IsScheme(parsed.Scheme, Uri.UriSchemeHttp) && !IsScheme(parsed.Scheme, Uri.UriSchemeHttps))
            return $"must begin with http:// or https://, not \"{address.Url}\".";
        if (parsed.IsUnixPipe || parsed.IsNamedPipe)
            return null;
        if (parsed.PathBase.Length > 0)
            return $"must be scheme, host and port only, not \"{address.Url}\".";
        // The parser treats an invalid port as part of the host.
        return parsed.Port is >= 0 and <= IPEndPoint.MaxPort && (!parsed.Host.Contains(':', StringComparison.Ordinal) || IPAddress.TryParse(parsed.Host, out _))
            ? null
            : $"must have a port from 0 to {IPEndPoint.MaxPort}, not \"{address.Url}\".";
    }

    private static int? PortOf(ListenAddress address) =>
        BindingAddress.Parse(address.Url) is { IsUnixPipe: false, IsNamedPipe: false } parsed ? parsed.Port : null;

    private static bool IsRefused(ListenAddress address)
    {
        var parsed = BindingAddress.Parse(address.Url);
        if (parsed.IsUnixPipe || parsed.IsNamedPipe)
            return false;
        var host =
            IPAddress.TryParse(parsed.Host, out var ip) ? ip
            : parsed.Host == "localhost" ? IPAddress.Loopback
            : IPAddress.Any;
        try
        {
            using var socket = new Socket(host.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(host, parsed.Port));
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    private static bool IsScheme(string scheme, string expected) => scheme.Equals(expected, StringComparison.OrdinalIgnoreCase);

    private static bool IsPort(string text) => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port <= IPEndPoint.MaxPort;

    private static string[] Split(string? list) => (list ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
