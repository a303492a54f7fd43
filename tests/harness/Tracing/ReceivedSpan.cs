using System.Globalization;
using static UrlShortener.TestHarness.Tracing.Protobuf;

namespace UrlShortener.TestHarness.Tracing;

/// <summary>A span as a collector gets it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="TraceId">Its trace.</param>
/// <param name="SpanId">Its identifier.</param>
/// <param name="ParentId">The span above; empty: it is the first of its trace.</param>
/// <param name="Source">What recorded it.</param>
/// <param name="Attributes">Its attributes.</param>
/// <param name="Resource">Attributes of the process.</param>
internal sealed record ReceivedSpan(
    string Name,
    string TraceId,
    string SpanId,
    string ParentId,
    string Source,
    IReadOnlyDictionary<string, string> Attributes,
    IReadOnlyDictionary<string, string> Resource
)
{
    /// <summary>Reads an <c>ExportTraceServiceRequest</c> of OTLP.</summary>
    public static IEnumerable<ReceivedSpan> ReadRequest(ReadOnlyMemory<byte> body) =>
        from process in Read(body)
        where process.Id == 1
        let resource = ReadAttributes(process.Fields.Where(field => field.Id == 1).SelectMany(field => field.Fields), id: 1)
        from scope in process.Fields
        where scope.Id == 2
        let source = scope.Fields.Where(field => field.Id == 1).SelectMany(field => field.Fields).FirstOrDefault(field => field.Id == 1).Text
        from span in scope.Fields
        where span.Id == 2
        select ReadSpan(span.Fields, source, resource);

    private static ReceivedSpan ReadSpan(IReadOnlyList<Field> fields, string source, IReadOnlyDictionary<string, string> resource) =>
        new(
            fields.Single(field => field.Id == 5).Text,
            fields.Single(field => field.Id == 1).Hex,
            fields.Single(field => field.Id == 2).Hex,
            fields.FirstOrDefault(field => field.Id == 4).Hex,
            source,
            ReadAttributes(fields, id: 9),
            resource
        );

    private static Dictionary<string, string> ReadAttributes(IEnumerable<Field> fields, int id) =>
        fields
            .Where(field => field.Id == id)
            .Select(field => field.Fields)
            .ToDictionary(pair => pair.Single(field => field.Id == 1).Text, pair => ReadValue(pair.Single(field => field.Id == 2).Fields));

    private static string ReadValue(IReadOnlyList<Field> value) =>
        value is [{ Id: 1, Text: var text }] ? text
        : value is [{ Number: var number }] ? ((long)number).ToString(CultureInfo.InvariantCulture)
        : "";
}
