using System.ComponentModel.DataAnnotations;
using System.Net;
using System.Net.Sockets;

namespace UrlShortener.Runtime.Configuration;

/// <summary>Section <c>Proxies</c>: the proxies whose <c>X-Forwarded-*</c> headers are trusted.</summary>
internal sealed class ProxyOptions : IValidatableObject
{
    /// <summary>Addresses or networks (CIDR) of the proxies in front, such as <c>10.0.0.0/8</c>. Empty: the headers are ignored.</summary>
    public string[] Trusted { get; set; } = [];

    /// <summary>Most proxies in a chain whose entries are read. Default 2.</summary>
    [Range(1, 16)]
    public int ForwardLimit { get; set; } = 2;

    /// <inheritdoc />
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        foreach (var entry in Trusted)
        {
            if (!TryParse(entry, out _))
                yield return new ValidationResult($"has \"{entry}\", which is neither an address nor a network such as 10.0.0.0/8.", [nameof(Trusted)]);
        }
    }

    /// <summary>Reads an address, as a network of that address only, or a network in CIDR form.</summary>
    internal static bool TryParse(string text, out IPNetwork network)
    {
        if (IPNetwork.TryParse(text, out network))
            return true;
        // "10", "10.1" and "010.0.0.1" are also parsed as addresses, but probably not as the intended ones.
        if (!IPAddress.TryParse(text, out var address) || (address.AddressFamily == AddressFamily.InterNetwork && address.ToString() != text))
            return false;
        network = new IPNetwork(address, address.GetAddressBytes().Length * 8);
        return true;
    }
}
