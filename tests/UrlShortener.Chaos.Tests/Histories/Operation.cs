namespace UrlShortener.Chaos.Tests.Histories;

/// <summary>What a client did, and what it was answered.</summary>
/// <param name="Kind">What was asked for.</param>
/// <param name="Pod">Name of the process that was asked.</param>
/// <param name="Code">The code; of a creation the one that was answered, empty when none was.</param>
/// <param name="Target">The target that was sent; of a redirect the one that was answered. Empty: none.</param>
/// <param name="Status">Status of the answer; 0: there was none, and nobody knows whether it was done.</param>
/// <param name="Start">When the request was sent, on the clock of the history.</param>
/// <param name="End">When the answer was there, or the client gave up.</param>
internal sealed record Operation(OperationKind Kind, string Pod, string Code, string Target, int Status, TimeSpan Start, TimeSpan End)
{
    /// <summary>Whether the answer promises that it was done.</summary>
    public bool IsAcknowledged => Status is >= 200 and < 300;

    /// <summary>Whether it may have been done although no answer says so: the answer was lost, or an error on the server's side came after the fact.</summary>
    public bool IsUncertain => Status is 0 or >= 500;

    /// <summary>Whether a visitor was sent on.</summary>
    public bool IsRedirect => Kind == OperationKind.Follow && Status == 302;

    /// <summary>How long the client waited.</summary>
    public TimeSpan Duration => End - Start;

    /// <summary>For messages.</summary>
    public override string ToString() =>
        $"{Start.TotalSeconds:0.000}-{End.TotalSeconds:0.000} s {Kind} {Code} at {Pod}: {(Status == 0 ? "no answer" : Status)} {Target}";
}

/// <summary>What clients do.</summary>
internal enum OperationKind
{
    /// <summary>POST /api/v1/urls</summary>
    Create,

    /// <summary>PATCH /api/v1/urls/{code} with a new target.</summary>
    Change,

    /// <summary>DELETE /api/v1/urls/{code}</summary>
    Delete,

    /// <summary>GET /{code}</summary>
    Follow,
}
