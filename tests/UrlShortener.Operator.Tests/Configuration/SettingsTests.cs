using Microsoft.Extensions.Configuration;
using UrlShortener.Operator.Configuration;
using Xunit;

namespace UrlShortener.Operator.Tests.Configuration;

public sealed class SettingsTests
{
    [Fact]
    public void Settings_WithoutAny_AreTheDefaultsAndGood()
    {
        var (options, errors) = Read([]);
        Assert.Empty(errors);
        Assert.Equal(["urlshortener"], options.NamespaceList);
        Assert.Equal((8_080, 9_443), (options.Port, options.Webhooks.Port));
        Assert.True(options.LeaderElection.ToLease().Enabled);
        Assert.Equal(TimeSpan.FromSeconds(15), options.LeaderElection.ToLease().Duration);
    }

    /// <summary>A mistyped variable would otherwise have no effect, and nobody would notice.</summary>
    [Theory]
    [InlineData("Operater__Namespaces", "Operater in the environment (Operater__…) is not a section of settings. Did you mean Operator__…?")]
    [InlineData("OPERATORS__RESYNC", "OPERATORS in the environment (OPERATORS__…) is not a section of settings. Did you mean Operator__…?")]
    [InlineData("Operator_Namespaces", "Operator_Namespaces in the environment is not read as a setting. Did you mean Operator__Namespaces?")]
    [InlineData("OPERATOR_LEADER_ELECTION_DURATION", "Did you mean Operator__LeaderElection__Duration?")]
    [InlineData("OPERATOR__LEADERELECTION_ENABLED", null)]
    [InlineData("OPERATOR_PORT", null)]
    [InlineData("OPERATOR_NAMESPACE", null)]
    [InlineData("Operator__Namespaces", null)]
    [InlineData("LOGGING__LOGLEVEL__DEFAULT", null)]
    [InlineData("PATH", null)]
    public void Environment_WithNamesThatAreAlmostSettings_IsAnError(string name, string? expected)
    {
        var errors = Settings.FindErrorsOfEnvironment([KeyValuePair.Create(name, "x")]).ToList();
        if (expected is null)
            Assert.Empty(errors);
        else
            Assert.Contains(expected, Assert.Single(errors), StringComparison.Ordinal);
    }

    [Fact]
    public void CommandLine_WithAnotherSection_IsAnError()
    {
        var configuration = new ConfigurationBuilder().AddCommandLine(["--Operater:Port=1", "--Urls=http://localhost:1"]).Build();
        Assert.Equal(
            ["Operater is not a setting. Settings of the operator start with Operator:, such as Operator:Namespaces."],
            Settings.Read(configuration).Errors
        );
    }

    [Fact]
    public void Namespaces_CommaSeparated_AreReadOnceEach()
    {
        var (options, errors) = Read([("Namespaces", "eu, us,,eu")]);
        Assert.Empty(errors);
        Assert.Equal(["eu", "us"], options.NamespaceList);
    }

    [Theory]
    [InlineData("Namespaces", " , ", "Operator:Namespaces must name at least one namespace.")]
    [InlineData(
        "Namespaces",
        "eu,Us",
        "Operator:Namespaces contains \"Us\", which is not a valid namespace name. Use at most 63 lower-case letters, digits and '-'."
    )]
    [InlineData("Port", "eighty", "Operator:Port must be a whole number, not \"eighty\".")]
    [InlineData("Port", "70000", "Operator:Port must be between 1 and 65535.")]
    [InlineData("Port", "9443", "Operator:Port must differ from Operator:Webhooks:Port (9443).")]
    [InlineData("Address", "everywhere", "Operator:Address must be an IP address, not \"everywhere\".")]
    [InlineData("Resync", "00:00:01", "Operator:Resync must be between 00:00:10 and 1.00:00:00.")]
    [InlineData("LeaderElection", "true", "Operator:LeaderElection is a section, not one value.")]
    [InlineData("LeaderElection:LeaseName", "", "Operator:LeaderElection:LeaseName is required.")]
    [InlineData(
        "LeaderElection:Namespace",
        "a.b",
        "Operator:LeaderElection:Namespace is \"a.b\", which is not a valid namespace name. Use at most 63 lower-case letters, digits and '-'."
    )]
    [InlineData("LeaderElection:Duration", "00:10:00", "Operator:LeaderElection:Duration must be between 00:00:03 and 00:05:00.")]
    [InlineData("LeaderElection:Duration", "00:00:15.5", "Operator:LeaderElection:Duration must be whole seconds, not 00:00:15.5000000.")]
    [InlineData(
        "LeaderElection:RenewDeadline",
        "00:00:15",
        "Operator:LeaderElection:RenewDeadline must be below Operator:LeaderElection:Duration (00:00:15), so that all requests of a leader have ended "
            + "before another one starts."
    )]
    [InlineData(
        "LeaderElection:RetryPeriod",
        "00:00:06",
        "Operator:LeaderElection:RetryPeriod must be at most half of Operator:LeaderElection:RenewDeadline (00:00:10), so that one lost request does "
            + "not end the leadership."
    )]
    [InlineData("Tracing:Endpoint", "collector:4318", "Operator:Tracing:Endpoint must be an absolute http or https URL, not \"collector:4318\".")]
    [InlineData("Tracing:Endpoint", "http://a:b@collector", "Operator:Tracing:Endpoint must not contain a user or a password; send them in Headers.")]
    [InlineData("Tracing:Protocol", "http", "Operator:Tracing:Protocol must be http/protobuf or grpc, not \"http\".")]
    [InlineData("Tracing:SampleRatio", "2", "Operator:Tracing:SampleRatio must be between 0 and 1.")]
    [InlineData("Tracing:SampleRatio", "much", "Operator:Tracing:SampleRatio must be a number such as 0.01, not \"much\".")]
    [InlineData(
        "Tracing:Headers",
        "hidden",
        "Operator:Tracing:Headers must be pairs such as name=value, separated by commas, with names of HTTP headers and percent-encoded values."
    )]
    [InlineData("Tracing:TrustProxies", "true", "Operator:Tracing:TrustProxies is not a setting. Valid names: Endpoint, Headers, Protocol, SampleRatio.")]
    [InlineData("Webhooks:Port", "0", "Operator:Webhooks:Port must be between 1 and 65535.")]
    [InlineData(
        "Webhooks:ExtraNames",
        "a",
        "Operator:Webhooks:ExtraNames is a list; write Operator:Webhooks:ExtraNames:0, Operator:Webhooks:ExtraNames:1 and so on."
    )]
    [InlineData(
        "Webhooks:Ports",
        "1",
        "Operator:Webhooks:Ports is not a setting. Valid names: CheckInterval, ConfigurationName, Enabled, ExtraNames, Namespace, Port, SecretName, "
            + "ServiceName."
    )]
    public void Settings_WithAWrongOne_NameItAndItsLimit(string name, string value, string error) => Assert.Equal([error], Read([(name, value)]).Errors);

    [Fact]
    public void Settings_WithSeveralWrongOnes_TellThemAll() =>
        Assert.Equal(3, Read([("Port", "x"), ("Namespaces", ""), ("Webhooks:Enabled", "y")]).Errors.Count);

    private static (OperatorOptions Options, IReadOnlyList<string> Errors) Read((string Name, string Value)[] settings) =>
        Settings.Read(
            new ConfigurationBuilder()
                .AddInMemoryCollection(settings.Select(one => new KeyValuePair<string, string?>($"Operator:{one.Name}", one.Value)))
                .Build()
        );
}
