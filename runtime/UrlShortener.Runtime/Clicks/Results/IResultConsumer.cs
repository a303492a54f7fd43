namespace UrlShortener.Runtime.Clicks.Results;

/// <summary>Receives results of the Flink job. Those of transactions that are open or were aborted never come. One caller at a time uses it.</summary>
internal interface IResultConsumer : IDisposable
{
    /// <summary>Why it must be replaced; null while it is good.</summary>
    string? Failure { get; }

    /// <summary>Waits for the next record.</summary>
    /// <returns>False: none came.</returns>
    bool TryReceive(TimeSpan wait, out ReceivedResult result);

    /// <summary>Notes that all records are stored that were received so far. The next process begins behind them.</summary>
    void NoteStored();
}

/// <summary>A record.</summary>
/// <param name="Kind">What its topic has.</param>
/// <param name="Row">The result; null: it is none.</param>
internal readonly record struct ReceivedResult(ResultKind Kind, ResultRow? Row);

/// <summary>Makes consumers.</summary>
internal interface IResultConsumerFactory
{
    /// <summary>Makes one, which joins the others of its group.</summary>
    IResultConsumer Create();
}

/// <summary>Where results are stored.</summary>
internal interface IResultTables
{
    /// <summary>Stores rows of one kind. Rows that are stored again change nothing.</summary>
    Task StoreAsync(ResultKind kind, IReadOnlyList<ResultRow> rows, CancellationToken cancellationToken);
}
