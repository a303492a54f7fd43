using System.ComponentModel.DataAnnotations;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>Redis</c>: how the servers of <c>ConnectionStrings:Redis</c> are used.</summary>
internal sealed class RedisOptions
{
    /// <summary>Prefix of every key, so that several installations may share servers. Default <c>shortener</c>.</summary>
    [RegularExpression("^[A-Za-z0-9._-]{1,32}$", ErrorMessage = "must have 1 to 32 letters, digits, '.', '_' and '-'.")]
    public string KeyPrefix { get; set; } = "shortener";

    /// <summary>
    /// PEM file with the certificate authorities that sign the certificates of the servers, for <c>ssl=true</c>. The file is read for each new connection, so
    /// that it may change. Unset: the authorities that the system trusts.
    /// </summary>
    public string? CertificateAuthorityPath { get; set; }

    /// <summary>Longest time that a request waits for Redis. Default 50 ms.</summary>
    [Range(typeof(TimeSpan), "00:00:00.005", "00:00:05")]
    public TimeSpan Timeout { get; set; } = TimeSpan.FromMilliseconds(50);

    /// <summary>After repeated failures, time during which Redis is not called before one request tries again. Default 1 s.</summary>
    [Range(typeof(TimeSpan), "00:00:00.500", "00:01:00")]
    public TimeSpan BreakDuration { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How long a link is kept. The actual time is up to a tenth shorter, so that links stored together do not expire together. Default 1 h.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan LinkTtl { get; set; } = TimeSpan.FromHours(1);

    /// <summary>How long Redis remembers that older versions of a changed link are void. Must exceed the lag of any replica. Default 5 min.</summary>
    [Range(typeof(TimeSpan), "00:00:10", "01:00:00")]
    public TimeSpan ChangeTtl { get; set; } = TimeSpan.FromMinutes(5);
}
