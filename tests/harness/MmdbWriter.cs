using System.Net;
using System.Net.Sockets;
using System.Text;

namespace UrlShortener.TestHarness;

/// <summary>
/// Writes small MaxMind-format files: a binary search tree with 32-bit records, one data record for each network, and the metadata.
/// Source: MaxMind DB File Format Specification 2.0, https://maxmind.github.io/MaxMind-DB/.
/// </summary>
internal sealed class MmdbWriter
{
    private const int RecordBits = 32;
    private const int SeparatorLength = 16;

    private static readonly byte[] MetadataMarker = [0xAB, 0xCD, 0xEF, .. "MaxMind.com"u8];

    private readonly int _ipVersion;
    private readonly List<Node> _nodes = [new Node()];
    private readonly List<byte> _data = [];

    /// <param name="ipVersion">4 for a tree of IPv4 addresses only; 6 for both, with IPv4 at ::/96.</param>
    public MmdbWriter(int ipVersion = 6) => _ipVersion = ipVersion;

    /// <summary>A record as GeoLite2-City has it.</summary>
    public static Dictionary<string, object> Nested(string? country, string? city)
    {
        var record = new Dictionary<string, object>
        {
            ["continent"] = new Dictionary<string, object> { ["code"] = "EU", ["geoname_id"] = 6255148u },
            ["location"] = new Dictionary<string, object> { ["latitude"] = 52.5, ["accuracy_radius"] = (ushort)20 },
        };
        if (country is not null)
        {
            record["country"] = new Dictionary<string, object>
            {
                ["geoname_id"] = 2921044u,
                ["iso_code"] = country,
                ["names"] = new Dictionary<string, object> { ["de"] = "Land", ["en"] = "Country" },
            };
        }

        if (city is not null)
            record["city"] = new Dictionary<string, object>
            {
                ["names"] = new Dictionary<string, object> { ["de"] = "Stadt", ["en"] = city },
            };

        return record;
    }

    /// <summary>A record as the ip-location-db files have it.</summary>
    public static Dictionary<string, object> Flat(string? country, string? city)
    {
        var record = new Dictionary<string, object>();
        if (city is not null)
            record["city"] = city;
        if (country is not null)
            record["country_code"] = country;

        return record;
    }

    /// <summary>Adds a network. Networks must not overlap.</summary>
    /// <param name="network">Address and prefix length, as in 192.0.2.0/24.</param>
    /// <param name="record">The data of all its addresses.</param>
    public MmdbWriter Add(string network, Dictionary<string, object> record)
    {
        var parsed = IPNetwork.Parse(network);
        var bits = parsed.BaseAddress.GetAddressBytes();
        var prefix = parsed.PrefixLength;
        if (_ipVersion == 6 && parsed.BaseAddress.AddressFamily == AddressFamily.InterNetwork)
        {
            bits = [.. new byte[12], .. bits];
            prefix += 96;
        }

        var offset = (uint)_data.Count;
        WriteValue(_data, record);

        var node = 0;
        for (var i = 0; i < prefix; i++)
        {
            var side = (bits[i / 8] >> (7 - (i % 8))) & 1;
            if (i == prefix - 1)
            {
                _nodes[node].Records[side] = new Record(RecordKind.Data, offset);
                break;
            }

            if (_nodes[node].Records[side].Kind != RecordKind.Node)
            {
                _nodes.Add(new Node());
                _nodes[node].Records[side] = new Record(RecordKind.Node, (uint)_nodes.Count - 1);
            }

            node = (int)_nodes[node].Records[side].Value;
        }

        return this;
    }

    /// <summary>Writes the file, replacing one that is there.</summary>
    public void WriteTo(string path) => File.WriteAllBytes(path, ToArray());

    /// <summary>The bytes of the file.</summary>
    public byte[] ToArray()
    {
        var file = new List<byte>();
        foreach (var record in _nodes.SelectMany(node => node.Records))
        {
            var value = record.Kind switch
            {
                RecordKind.Node => record.Value,
                RecordKind.Data => (uint)_nodes.Count + SeparatorLength + record.Value,
                _ => (uint)_nodes.Count,
            };
            WriteBigEndian(file, value, RecordBits / 8);
        }

        file.AddRange(new byte[SeparatorLength]);
        file.AddRange(_data);
        file.AddRange(MetadataMarker);
        WriteValue(
            file,
            new Dictionary<string, object>
            {
                ["binary_format_major_version"] = (ushort)2,
                ["binary_format_minor_version"] = (ushort)0,
                ["build_epoch"] = 1_700_000_000ul,
                ["database_type"] = "Test-City",
                ["description"] = new Dictionary<string, object> { ["en"] = "Test" },
                ["ip_version"] = (ushort)_ipVersion,
                ["languages"] = new List<object> { "en" },
                ["node_count"] = (uint)_nodes.Count,
                ["record_size"] = (ushort)RecordBits,
            }
        );

        return [.. file];
    }

    private static void WriteValue(List<byte> output, object value)
    {
        switch (value)
        {
            case string text:
                var utf8 = Encoding.UTF8.GetBytes(text);
                WriteControl(output, 2, utf8.Length);
                output.AddRange(utf8);
                break;
            case double number:
                WriteControl(output, 3, 8);
                WriteBigEndian(output, (ulong)BitConverter.DoubleToInt64Bits(number), 8);
                break;
            case ushort number:
                WriteControl(output, 5, 2);
                WriteBigEndian(output, number, 2);
                break;
            case uint number:
                WriteControl(output, 6, 4);
                WriteBigEndian(output, number, 4);
                break;
            case ulong number:
                WriteControl(output, 9, 8);
                WriteBigEndian(output, number, 8);
                break;
            case List<object> items:
                WriteControl(output, 11, items.Count);
                items.ForEach(item => WriteValue(output, item));
                break;
            case Dictionary<string, object> map:
                WriteControl(output, 7, map.Count);
                foreach (var (key, item) in map)
                {
                    WriteValue(output, key);
                    WriteValue(output, item);
                }

                break;
            default:
                throw new NotSupportedException($"No MaxMind DB type for {value.GetType()}.");
        }
    }

    /// <summary>The control byte: three bits of type and five of size. Types above 7 and sizes above 28 spill into more bytes.</summary>
    private static void WriteControl(List<byte> output, int type, int size)
    {
        var sizeBits = size switch
        {
            < 29 => size,
            < 285 => 29,
            _ => 30,
        };
        output.Add((byte)((type <= 7 ? type << 5 : 0) | sizeBits));
        if (type > 7)
            output.Add((byte)(type - 7));

        if (sizeBits == 29)
            WriteBigEndian(output, (ulong)(size - 29), 1);
        else if (sizeBits == 30)
            WriteBigEndian(output, (ulong)(size - 285), 2);
    }

    private static void WriteBigEndian(List<byte> output, ulong value, int bytes)
    {
        for (var shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
            output.Add((byte)(value >> shift));
    }

    private enum RecordKind
    {
        Empty,
        Node,
        Data,
    }

    private readonly record struct Record(RecordKind Kind, uint Value);

    private sealed class Node
    {
        public Record[] Records { get; } = new Record[2];
    }
}
