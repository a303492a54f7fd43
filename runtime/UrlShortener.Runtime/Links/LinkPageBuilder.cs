namespace UrlShortener.Runtime.Links;

/// <summary>
/// Makes a page of the links that a store read in the order of a query. A store that has searched for longer than <see cref="LinkQuery.SearchTime"/> also
/// returns links that do not match: the first of them ends the page, and is where the next one begins.
/// </summary>
internal sealed class LinkPageBuilder(LinkQuery query)
{
    private readonly List<Link> _links = new(query.Limit);
    private LinkCursor? _last;
    private LinkCursor? _next;

    /// <summary>Most links that a store has to return: the page, and one more that shows whether there is a next page.</summary>
    public static int MostOf(LinkQuery query) => query.Limit + 1;

    /// <summary>Adds the next link. Returns false if the page is complete and no further link is needed.</summary>
    public bool Add(long id, Link link, bool matches)
    {
        if (_links.Count == query.Limit)
        {
            _next = _last;
            return false;
        }

        _last = LinkCursor.Of(link, id, query.Order.By);
        if (!matches)
        {
            _next = _last;
            return false;
        }

        _links.Add(link);
        return true;
    }

    /// <summary>The page.</summary>
    public LinkPage Build() => new(_links, _next);
}
