namespace UrlShortener.Load;

/// <summary>What to redirect and to ask for pictures with. A null <paramref name="Product"/> means the runtime built in this tree.</summary>
internal sealed record PicturesOptions(int Seconds, int Rounds, int Connections, int Threads, int Links, string? Product)
{
    public const int PictureConnections = 32;
}
