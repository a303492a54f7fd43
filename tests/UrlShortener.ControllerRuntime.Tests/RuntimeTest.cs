using k8s;
using UrlShortener.ControllerRuntime.Api;
using Xunit;

namespace UrlShortener.ControllerRuntime.Tests;

/// <summary>What tests on a real API server share.</summary>
public abstract class RuntimeTest
{
    /// <summary>Name under which the tests' controllers write.</summary>
    internal const string FieldManager = "tests";

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>Clients of a user, through a port other than the kubeconfig's when there is one.</summary>
    internal static KubernetesClients Connect(string kubeconfig, int? port = null) =>
        KubernetesClients.Create(() =>
        {
            var configuration = KubernetesClientConfiguration.BuildConfigFromConfigFile(kubeconfig);
            if (port is not null)
                configuration.Host = new UriBuilder(configuration.Host) { Port = port.Value }.Uri.ToString();
            return configuration;
        });

    /// <summary>Waits until a condition holds. The limit is there to end a failing test.</summary>
    protected static Task UntilAsync(Func<Task<bool>> condition, string what) => Eventually.HoldsAsync(condition, () => what);

    /// <summary>As the other one, for what this process knows.</summary>
    protected static Task UntilAsync(Func<bool> condition, string what) => UntilAsync(() => Task.FromResult(condition()), what);
}
