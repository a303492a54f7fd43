using System.Text.Json.Serialization;

namespace UrlShortener.Load;

/// <summary>The floor and the product, measured one right after the other so that both see the machine in the same mood.
/// <paramref name="DrainSeconds"/> is how long the product went on storing clicks after its run, with the generator silent.</summary>
internal sealed record Round(int Number, bool ProductFirst, Measurement Floor, Measurement Product, double DrainSeconds)
{
    public double RateRatio => Product.RequestsPerSecond / Floor.RequestsPerSecond;

    public double P99Ratio => (double)Product.P99Microseconds / Floor.P99Microseconds;

    [JsonIgnore]
    public long Errors => Floor.Errors + Product.Errors;
}
