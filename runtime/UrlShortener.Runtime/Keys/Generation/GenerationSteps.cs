using UrlShortener.Runtime.Resilience;

namespace UrlShortener.Runtime.Keys.Generation;

/// <summary>One kind of call to the registry or the pool: the label that counts its failures, and a description of the failure.</summary>
/// <param name="Name">Value of the label <c>step</c>.</param>
/// <param name="Failure">A sentence without its full stop.</param>
internal sealed record GenerationStep(string Name, string Failure)
{
    /// <summary>Reading or opening the epoch.</summary>
    public static readonly GenerationStep Epoch = new("epoch", "The epoch could not be read or opened in the registry");

    /// <summary>Setting the epoch in the pool.</summary>
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

    /// <summary>All steps.</summary>
    public static readonly IReadOnlyList<GenerationStep> All = [Epoch, Tell, Adopt, Level, Claim, Pool, Mark, Estimate];

    /// <summary>Describes the failure in a sentence. Messages of libraries may name servers and users, so only the type of the error is reported.</summary>
    public string Describe(Exception error) => error is DependencyException ? $"{Failure}: {error.Message}" : $"{Failure} ({error.GetType().Name}).";
}

/// <summary>Calls the registry and the pool. Each call has a time limit, and each failure is counted and reported in the status.</summary>
internal sealed class GenerationSteps(KeyGenerationState state, TimeProvider time)
{
    /// <summary>
    /// Time limit of one call. After its claim begins, a batch makes at most three calls until it is marked. Together they take less than
    /// <see cref="KeyBatches.AdoptionAge"/>, so that no worker adopts the batch of a worker that is still alive.
    /// </summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);

    /// <summary>Makes a call. The caller handles its failure.</summary>
    /// <exception cref="TimeoutException">The call took longer than <see cref="Limit"/>.</exception>
    public async Task<T> RunAsync<T>(GenerationStep step, Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        using var limit = new CancellationTokenSource(Limit, time);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        try
        {
            return await call(end.Token);
        }
        // Checks the token, not the exception type: a call that exceeded its limit has failed; a call that was cancelled by a stop has not.
        catch (Exception error) when (!error.IsStopBy(cancellationToken))
        {
            KeyGenerationMetrics.CountFailure(step);
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
