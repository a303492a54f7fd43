using System.Net;

namespace UrlShortener.Runtime.Clicks;

/// <summary>
/// Turns a captured click into its stored form. The address becomes a salted hash and a place, and is discarded. Used by the writer only, on one thread.
/// Results are reused for repeated values.
/// </summary>
internal sealed class ClickEnricher(GeoDatabase? geo) : IDisposable
{
    private const int MaxText = 512;

    // As long as a name in DNS, and as a source in the sums.
    private const int MaxSource = 255;
    private const int MaxKept = 512;

    // Header texts are the keys. Long ones are not kept: frequent visitors do not send them.
    private readonly Memo<(string? Agent, string? Mobile, string? Platform), ClientKind> _clients = new(key =>
        (key.Agent?.Length ?? 0) + (key.Mobile?.Length ?? 0) + (key.Platform?.Length ?? 0) <= MaxKept
    );
    private readonly Memo<string, (string? Referrer, string? Source)> _referrers = new(key => key.Length <= MaxKept);
    private readonly Memo<IPAddress, Place> _places = new(_ => true);
    private byte[] _salt = [];
    private AddressHasher? _hasher;

    /// <summary>The record of a click.</summary>
    /// <param name="click">What the redirect saw.</param>
    /// <param name="salt">The salt of the click's day.</param>
    public StoredClick Enrich(in Click click, byte[] salt)
    {
        if (!ReferenceEquals(salt, _salt))
        {
            // Once a day, so that a newer geo database counts.
            _places.Clear();
            _hasher?.Dispose();
            _hasher = new AddressHasher(salt);
            _salt = salt;
        }

        var client = _clients.Get(
            (click.UserAgent, click.ChMobile, click.ChPlatform),
            static (key, _) => ClientKinds.Classify(key.Agent, key.Mobile, key.Platform),
            this
        );
        var (referrer, source) = click.Referrer is { Length: > 0 } header ? _referrers.Get(header, static (key, _) => ReadReferrer(key), this) : default;
        var hash = click.Address is null || click.DoNotTrack ? default : _hasher!.Hash(click.Address);
        var place = click.Address is null || geo is null ? default : _places.Get(click.Address, static (key, self) => self.FindPlace(key), this);
        return new StoredClick(
            click.ShortCode,
            DateTimeOffset.FromUnixTimeMilliseconds(click.At),
            referrer,
            source,
            // PostgreSQL refuses NUL in text, and with it the whole batch.
            HeaderText.Cut(click.UserAgent, MaxText)?.Replace('\0', ' '),
            hash,
            Country.Read(click.Country) ?? place.Country,
            click.DoNotTrack ? null : place.City,
            client.Device,
            client.IsBot || click.IsSpeculative
        );
    }

    /// <summary>Origin and path of a referring page; its host without <c>www.</c> and a dot at its end, cut to 255 characters; nulls for other than http(s) and app URLs.</summary>
    internal static (string? Referrer, string? Source) ReadReferrer(string header)
    {
        // The query of a referring page may contain private data of its visitor.
        if (header.Length > 8_192 || !Uri.TryCreate(header, UriKind.Absolute, out var uri) || uri.IdnHost.Length == 0)
            return default;
        if (uri.Scheme != Uri.UriSchemeHttp && uri.Scheme != Uri.UriSchemeHttps && uri.Scheme != "android-app")
            return default;
        // With or without a trailing dot, DNS and browsers see the same host.
        var host = uri.IdnHost.TrimEnd('.').ToLowerInvariant();
        if (host.Length == 0)
            return default;
        var referrer = $"{uri.Scheme}://{host}{(uri.IsDefaultPort ? "" : $":{uri.Port}")}{uri.AbsolutePath}";
        var source = host.Length > 4 && host.StartsWith("www.", StringComparison.Ordinal) ? host[4..] : host;
        return (HeaderText.Cut(referrer, MaxText), HeaderText.Cut(source, MaxSource));
    }

    /// <inheritdoc />
    public void Dispose() => _hasher?.Dispose();

    private Place FindPlace(IPAddress address) => geo?.Find(address) ?? default;

    // Starts over when full: simpler than an LRU and as good for values that repeat within a batch.
    private sealed class Memo<TKey, TValue>(Predicate<TKey> isKept)
        where TKey : notnull
    {
        private const int Capacity = 8_192;
        private readonly Dictionary<TKey, TValue> _values = [];

        public TValue Get(TKey key, Func<TKey, ClickEnricher, TValue> compute, ClickEnricher self)
        {
            if (_values.TryGetValue(key, out var value))
                return value;
            value = compute(key, self);
            if (!isKept(key))
                return value;
            if (_values.Count == Capacity)
                _values.Clear();
            _values.Add(key, value);
            return value;
        }

        public void Clear() => _values.Clear();
    }
}
