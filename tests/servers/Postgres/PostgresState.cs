namespace UrlShortener.TestServers.Postgres;

/// <summary>What a node said of itself: its role, its timeline (0 for a replica), and how many bytes of log it has.</summary>
internal sealed record PostgresState(PostgresNode Node, bool IsPrimary, int Timeline, long Position);
