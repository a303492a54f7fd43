using System.Text.Json;
using Xunit;

namespace UrlShortener.EndToEnd.Tests.OpenApi;

/// <summary>A validator that accepts everything would make every contract test pass.</summary>
public sealed class SchemaValidatorTests
{
    private const string Document = """{"components":{"schemas":{"Name":{"type":"string","minLength":2}}}}""";

    [Theory]
    [InlineData("""{"type":"string"}""", "\"a\"", "1")]
    [InlineData("""{"type":["null","integer"]}""", "null", "\"1\"")]
    [InlineData("""{"type":"integer"}""", "1.0", "1.5")]
    [InlineData("""{"type":"boolean"}""", "false", "null")]
    [InlineData("""{"enum":["a",2]}""", "2", "\"2\"")]
    [InlineData("""{"required":["a"]}""", """{"a":null}""", "{}")]
    [InlineData("""{"properties":{"a":{"type":"string"}}}""", """{"b":1}""", """{"a":1}""")]
    [InlineData("""{"properties":{"a":{}},"additionalProperties":false}""", """{"a":1}""", """{"a":1,"b":1}""")]
    [InlineData("""{"additionalProperties":{"type":"string"}}""", """{"b":"1"}""", """{"b":1}""")]
    [InlineData("""{"items":{"type":"string"}}""", """["a"]""", """["a",1]""")]
    [InlineData("""{"pattern":"^[a-z]{2}$"}""", "\"ab\"", "\"abc\"")]
    [InlineData("""{"minimum":1,"maximum":3}""", "3", "4")]
    [InlineData("""{"minimum":1,"maximum":3}""", "1", "0")]
    [InlineData("""{"minLength":1,"maxLength":2}""", "\"😀😀\"", "\"abc\"")]
    [InlineData("""{"minLength":1}""", "\"a\"", "\"\"")]
    [InlineData("""{"format":"date-time"}""", "\"2030-01-31T12:00:00.5+02:00\"", "\"2030-01-31\"")]
    [InlineData("""{"format":"date-time"}""", "null", "\"2030-02-30T12:00:00Z\"")]
    [InlineData("""{"format":"uri"}""", "\"https://a.example/\"", "\"a\"")]
    [InlineData("""{"minItems":1,"maxItems":2}""", "[1]", "[]")]
    [InlineData("""{"minItems":1,"maxItems":2}""", "[1,2]", "[1,2,3]")]
    [InlineData("""{"format":"int32"}""", "2147483647", "2147483648")]
    [InlineData("""{"format":"int64"}""", "2147483648", "1e30")]
    [InlineData("""{"format":"double"}""", "0.5", "1e999")]
    [InlineData("""{"oneOf":[{"type":"null"},{"type":"string"}]}""", "null", "1")]
    [InlineData("""{"oneOf":[{"minimum":1},{"minimum":2}]}""", "1", "2")]
    [InlineData("""{"anyOf":[{"minimum":1},{"minimum":2}]}""", "2", "0")]
    [InlineData("""{"allOf":[{"minimum":1},{"maximum":2}]}""", "2", "3")]
    [InlineData("""{"not":{"type":"integer","minimum":3}}""", "2", "3")]
    [InlineData("""{"$ref":"#/components/schemas/Name"}""", "\"ab\"", "\"a\"")]
    public void Validate_GoodAndBadValue_AreToldApart(string schema, string good, string bad)
    {
        var validator = new SchemaValidator(JsonElement.Parse(Document));

        Assert.Empty(validator.Validate(JsonElement.Parse(schema), JsonElement.Parse(good)));
        Assert.NotEmpty(validator.Validate(JsonElement.Parse(schema), JsonElement.Parse(bad)));
        validator.RequireSupport(JsonElement.Parse(schema));
    }

    [Theory]
    [InlineData("""{"mulitpleOf":2}""")]
    [InlineData("""{"format":"byte"}""")]
    [InlineData("""{"type":"text"}""")]
    [InlineData("""{"$ref":"other.json"}""")]
    [InlineData("""{"$ref":"#/components/schemas/Other"}""")]
    public void Validate_UnknownKeyword_Throws(string schema)
    {
        var validator = new SchemaValidator(JsonElement.Parse(Document));

        Assert.ThrowsAny<Json.Schema.JsonSchemaException>(() => validator.Validate(JsonElement.Parse(schema), JsonElement.Parse("\"a\"")));
        Assert.ThrowsAny<Json.Schema.JsonSchemaException>(() =>
            validator.RequireSupport(JsonElement.Parse("""{"properties":{"a":{"items":SCHEMA}}}""".Replace("SCHEMA", schema, StringComparison.Ordinal)))
        );
    }
}
