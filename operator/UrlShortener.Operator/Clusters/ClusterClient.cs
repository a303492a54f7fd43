using System.Text.Json;
using Polly;
using Polly.CircuitBreaker;
using UrlShortener.ControllerRuntime.Api;
using UrlShortener.Operator.Conditions;

namespace UrlShortener.Operator.Clusters;

/// <summary>
/// Sends requests to the API server of another cluster. Each takes at most <see cref="Timeout"/>. A server that does not answer several times is left alone for a
/// moment, so that it costs nobody the time limit again and again.
/// </summary>
internal sealed class ClusterClient : IDisposable
{
    /// <summary>Maximum duration of a request.</summary>
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(2);

    /// <summary>How long a server that does not answer is left alone.</summary>
    public static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    /// <summary>Most bytes of an answer: whoever may write a Secret chooses the server. An object has at most 1.5 MiB, and a region a few pods.</summary>
    public const long MaxAnswer = 8 << 20;

    private const int FailuresToPause = 4;
    private const int MaxWords = 512;

    private readonly string _name;
    private readonly ApiClient _api;
    private readonly ResourceClient _client;
    private readonly ResiliencePipeline _pipeline;

    /// <summary>Creates a client with its own connections.</summary>
    /// <param name="name">Name of the cluster, for messages.</param>
    /// <param name="kubeconfig">Address and credentials.</param>
    /// <param name="fencing">Permits writes.</param>
    /// <param name="time">Clock of the pauses.</param>
    public ClusterClient(string name, Kubeconfig kubeconfig, IFencing fencing, TimeProvider time)
    {
        _name = name;
        Kubeconfig = kubeconfig;
        // An authority is replaced with the kubeconfig. It is read again for the check of names, which comes with it.
        _api = new ApiClient(kubeconfig.ToConfiguration(), Timeout, kubeconfig.ToConfiguration, MaxAnswer);
        _client = new ResourceClient(_api, fencing);
        _pipeline = new ResiliencePipelineBuilder { TimeProvider = time }
            .AddCircuitBreaker(
                new CircuitBreakerStrategyOptions
                {
                    FailureRatio = 1,
                    MinimumThroughput = FailuresToPause,
                    SamplingDuration = TimeSpan.FromSeconds(10),
                    BreakDuration = Pause,
                    ShouldHandle = new PredicateBuilder().Handle<TimeoutException>().Handle<HttpRequestException>().Handle<IOException>(),
                }
            )
            .Build();
    }

    /// <summary>Address and credentials.</summary>
    public Kubeconfig Kubeconfig { get; }

    /// <summary>Sends requests.</summary>
    /// <param name="ask">The requests.</param>
    /// <param name="cancellationToken">Ends them.</param>
    /// <exception cref="LeadershipLostException">This process no longer leads, and may not write.</exception>
    public async Task<ClusterAnswer<T>> AskAsync<T>(Func<ResourceClient, CancellationToken, Task<T?>> ask, CancellationToken cancellationToken)
    {
        try
        {
            return new ClusterAnswer<T>(
                await _pipeline.ExecuteAsync(async (state, token) => await state.ask(state._client, token), (ask, _client), cancellationToken)
            );
        }
        catch (BrokenCircuitException)
        {
            return new ClusterAnswer<T>(default, $"Cluster {_name} did not answer several times. It is asked again within {Pause.TotalSeconds:0} s.");
        }
        catch (ApiException refused)
        {
            return new ClusterAnswer<T>(
                default,
                $"Cluster {_name} refused a request: {Texts.Cut(refused.Message, MaxWords)}",
                IsRefusal: (int)refused.StatusCode is >= 400 and < 500 and not 429
            );
        }
        catch (Exception error)
            when (error
                    is TimeoutException
                        or HttpRequestException
                        or IOException
                        or JsonException
                        or UndecodableException
                        or KeyNotFoundException
                        or OperationCanceledException
                        or ObjectDisposedException
                && !cancellationToken.IsCancellationRequested
            )
        {
            return new ClusterAnswer<T>(default, $"Cluster {_name} does not answer: {Texts.Cut(error.Message, MaxWords)}");
        }
    }

    /// <inheritdoc />
    public void Dispose() => _api.Dispose();
}
