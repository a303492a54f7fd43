using k8s.Models;
using UrlShortener.Operator.Entities;

namespace UrlShortener.Operator.Clusters;

/// <summary>What was last read of a region that another cluster runs.</summary>
/// <param name="Region">Its object there.</param>
/// <param name="Password">The Secret with the password of the app's role; null: there is none.</param>
/// <param name="At">When it was read, on the clock of the process.</param>
/// <param name="Clock">The time of day then.</param>
internal sealed record RemoteRegion(V1Alpha1ShortenerRegion Region, V1Secret? Password, TimeSpan At, DateTimeOffset Clock);
