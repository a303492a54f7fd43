using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Keys.Generation;

/// <summary>One call of the registry or the pool: the label of its failures, and what failed, in words.</summary>
/// <param name="Name">Value of the label <c>step</c>.</param>
/// <param name="Failure">A sentence without its full stop.</param>
internal sealed record GenerationStep(string Name, string Failure)
{
    /// <summary>Reading or opening the epoch.</summary>
    public static readonly GenerationStep Epoch = new("epoch", "The epoch could not be read or opened in the registry");

    /// <summary>Telling the pool the epoch.</summary>
    public static readonly GenerationStep Tell = new("tell", "The pool could not be told the epoch");

    /// <summary>Looking for unfinished batches.</summary>
    public static readonly GenerationStep Adopt = new("adopt", "The registry could not be asked for unfinished batches");

    /// <summary>Counting the pool.</summary>
    public static readonly GenerationStep Level = new("level", "The codes in the pool could not be counted");

    /// <summary>Claiming a batch.</summary>
    public static readonly GenerationStep Claim = new("claim", "A batch could not be claimed in the registry");

    /// <summary>Putting a batch into the pool.</summary>
    public static readonly GenerationStep Pool = new("pool", "A batch could not be put into the pool");

    /// <summary>Marking a batch as pooled.</summary>
    public static readonly GenerationStep Mark = new("mark", "A batch could not be marked as pooled in the registry");

    /// <summary>Estimating how many codes are registered.</summary>
    public static readonly GenerationStep Estimate = new("estimate", "The registered codes could not be counted");

    /// <summary>The failure in a sentence. Messages of libraries may name servers and users, so only the type of the error is reported.</summary>
    public string Describe(Exception error) => error is DependencyException ? $"{Failure}: {error.Message}" : $"{Failure} ({error.GetType().Name}).";
}

/// <summary>Makes the calls of the registry and the pool: each with a time limit, and each failure counted and reported in the status.</summary>
internal sealed class GenerationSteps(KeyGenerationState state, TimeProvider time)
{
    /// <summary>
    /// Longest time of one call. From its claim on, a batch has three calls at most before it is marked; together they take less than
    /// <see cref="KeyBatches.AdoptionAge"/>, so that nobody adopts the batch of a living worker.
    /// </summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);

    /// <summary>Makes a call; its failure is the caller's to handle.</summary>
    /// <exception cref="TimeoutException">The call took longer than <see cref="Limit"/>.</exception>
    public async Task<T> RunAsync<T>(GenerationStep step, Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Limit, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await call(end.Token);
        }
        // Judged by the token, not by the type: a call that exceeded its limit has failed, one that a stop ended has not.
        catch (Exception error) when (!error.IsStopBy(cancellationToken))
        {
            KeyMetrics.GenerationFailures.WithLabels(step.Name).Inc();
            state.NoteFailure(step.Describe(error));
            if (error is OperationCanceledException && limit.IsCancellationRequested)
                throw new TimeoutException($"{step.Failure}: there was no answer within {Limit.TotalSeconds:0} s.", error);
            throw;
        }
    }

    /// <summary>Makes a call without a result.</summary>
    public Task RunAsync(GenerationStep step, Func<CancellationToken, Task> call, CancellationToken cancellationToken) =>
        RunAsync(
            step,
            async token =>
            {
                await call(token);
                return true;
            },
            cancellationToken
        );
}
