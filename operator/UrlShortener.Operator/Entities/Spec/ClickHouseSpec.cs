using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using UrlShortener.Operator.Entities.Schema;

namespace UrlShortener.Operator.Entities.Spec;

/// <summary>The ClickHouse that answers statistics.</summary>
internal sealed record ClickHouseSpec
{
    /// <summary>Connection string of ClickHouse.Driver.</summary>
    [Description(
        "Secret with the connection string of your ClickHouse, such as Host=clickhouse;Port=8123;Username=shortener;Password=...;Database=shortener. Its user "
            + "creates the tables. Pods use a new one within a minute or two, without a restart."
    )]
    [Required]
    public ConnectionSecretRef ConnectionSecretRef { get; init; } = new();

    /// <summary>Authorities of the server; null: those of the image.</summary>
    [Description("Secret with the certificates of the server's authorities (PEM), for Protocol=https. If absent: those of the image.")]
    public ClickHouseAuthoritySecretRef? CaSecretRef { get; init; }

    /// <summary>The pods that load click events.</summary>
    [Description("Pods that load click events from Kafka into ClickHouse.")]
    public LoadersSpec Loaders { get; init; } = new();
}

/// <summary>Authorities of ClickHouse, in a Secret.</summary>
internal sealed record ClickHouseAuthoritySecretRef : SecretKeyRef
{
    /// <summary>The key defaults to <c>ca.crt</c>.</summary>
    public ClickHouseAuthoritySecretRef() => Key = "ca.crt";
}

/// <summary>The pods that load click events.</summary>
[Rule("self.minReplicas <= self.maxReplicas", "minReplicas must be at most maxReplicas")]
internal sealed record LoadersSpec
{
    /// <summary>Null: the region's.</summary>
    [Description("Image of the loaders. If absent: the image of the region's app.")]
    [Length(1, 512)]
    [RegularExpression("^[a-zA-Z0-9][-a-zA-Z0-9._/:@]*$")]
    public string? Image { get; init; }

    /// <summary>Loaders.</summary>
    [Description("Minimum number of loaders. At most maxReplicas. With 1, events wait for some seconds when its node is lost; with 2, the other goes on.")]
    [Range(1, 64)]
    public int MinReplicas { get; init; } = 1;

    /// <summary>Loaders.</summary>
    [Description(
        "Maximum number of loaders. The operator adds one each minute while events wait for longer than a minute, and at most as many as the topic has "
            + "partitions. It removes one each 10 minutes without such a wait."
    )]
    [Range(1, 64)]
    public int MaxReplicas { get; init; } = 4;

    /// <summary>CPU and memory of a loader.</summary>
    [Description("CPU and memory of each loader.")]
    public ResourcesSpec Resources { get; init; } = ResourcesSpec.Of(cpu: "250m", memory: "384Mi", memoryLimit: "768Mi");
}
