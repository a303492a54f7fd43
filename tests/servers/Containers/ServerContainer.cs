using Docker.DotNet;
using DotNet.Testcontainers.Builders;

namespace UrlShortener.TestServers.Containers;

/// <summary>Runs a server in a container, for machines that have a container engine and not the server.</summary>
internal static class ServerContainer
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    /// <summary>Starts a container and returns it; the caller waits until the server answers, and disposes it.</summary>
    /// <exception cref="ServerUnavailableException">No engine answers, or it has no such image. The message tells <paramref name="reason"/> too, why there is
    /// no local server.</exception>
    public static async Task<IAsyncDisposable> StartAsync(ContainerRequest request, string reason, CancellationToken cancellationToken)
    {
        try
        {
            var builder = new ContainerBuilder(request.Image).WithEnvironment(request.Environment).WithCommand([.. request.Command]);
            builder = request.Ports.Aggregate(builder, (one, port) => one.WithPortBinding(port.Ours, port.Theirs));
            // Published on loopback only: nobody else on the network should meet a server without a password.
            var container = builder
                .WithCreateParameterModifier(parameters =>
                {
                    foreach (var binding in parameters.HostConfig!.PortBindings!.Values.SelectMany(bindings => bindings))
                        binding.HostIP = "127.0.0.1";
                })
                .Build();
            try
            {
                using var timed = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
                timed.CancelAfter(Limit);
                await container.StartAsync(timed.Token);
                return container;
            }
            catch
            {
                await container.DisposeAsync();
                throw;
            }
        }
        catch (DockerUnavailableException e)
        {
            throw new ServerUnavailableException(
                $"{request.Name} is not installed and could not be: {reason}. Nor does a container engine answer, which would do instead.",
                e
            );
        }
        catch (DockerApiException e)
        {
            throw new ServerUnavailableException(
                $"{request.Name} is not installed and could not be: {reason}. The container engine cannot run {request.Image} instead: {e.Message}",
                e
            );
        }
    }
}
