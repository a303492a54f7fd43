using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s.Models;
using UrlShortener.Operator.Certificates;
using Xunit;

namespace UrlShortener.Operator.Tests.Certificates;

/// <summary>Servers of two regions, each with an authority of its own, that trust each other's certificates.</summary>
public sealed class PeerTrustTests
{
    private static readonly DateTimeOffset Start = new(2030, 1, 31, 12, 0, 0, TimeSpan.Zero);
    private static readonly CertificateProfile Eu = new("eu postgres", ["eu-postgres.shop.svc"], IsClient: true);
    private static readonly CertificateProfile Us = new("us postgres", ["us-postgres.shop.svc"], IsClient: true);

    // What the other region publishes arrives some time later, and the files in pods follow even later.
    [Fact]
    public void Steps_OverThreeYears_AreTrustedByTheOtherRegionAtEveryMoment()
    {
        var set = CertificatePlan.Take(CertificateStep.Created, null, Eu, Start);
        var other = CertificatePlan.Take(CertificateStep.Created, null, Us, Start) with { Peers = set.Authorities };
        for (var now = Start; now < Start.AddYears(3); now += TimeSpan.FromMinutes(50))
        {
            var step = CertificatePlan.Next(set, Eu, isPublished: true, now);
            set = CertificatePlan.Take(step, set, Eu, now);
            if (step != CertificateStep.None)
                Assert.True(IsTrusted(set.Serving, other.Bundle, now), $"{step} at {now:O}");
            other = other with { Peers = set.Authorities };
        }

        // Each has been replaced several times.
        Assert.True(set.Authority.NotBefore > Start.AddYears(2));
        Assert.True(IsTrusted(set.Serving, other.Bundle, Start.AddYears(3)));
    }

    [Fact]
    public void Bundle_OfTheServers_HasTheAuthoritiesOfBothAndTheSecretTellsWhenItIsOutdated()
    {
        var eu = CertificatePlan.Take(CertificateStep.Created, null, Eu, Start);
        var us = CertificatePlan.Take(CertificateStep.Created, null, Us, Start);
        var both = eu with { Peers = CertificateData.CertificatesIn(us.Authorities) };
        var secret = new V1Secret { Data = CertificateData.Build(eu) };

        Assert.True(IsTrusted(eu.Serving, both.Bundle, Start));
        Assert.True(IsTrusted(us.Serving, both.Bundle, Start));
        Assert.False(IsTrusted(us.Serving, eu.Bundle, Start));
        Assert.False(CertificateData.Holds(secret, both));
        secret.Data = CertificateData.Build(both);
        Assert.True(CertificateData.Holds(secret, both));
        // What is published is about the region alone.
        Assert.Equal(eu.Authorities, both.Authorities);
    }

    [Fact]
    public void CertificatesIn_TextWithAKeyOrNonsense_HasCertificatesAlone()
    {
        var set = CertificatePlan.Take(CertificateStep.Created, null, Eu, Start);

        Assert.Equal(set.Authorities, CertificateData.CertificatesIn(set.Authority.KeyPem + "\n" + set.Authorities));
        Assert.Equal("", CertificateData.CertificatesIn("-----BEGIN CERTIFICATE-----\nbm9uc2Vuc2U=\n-----END CERTIFICATE-----"));
        Assert.Equal("", CertificateData.CertificatesIn(null));
        Assert.DoesNotContain("PRIVATE", set.Authorities, StringComparison.Ordinal);
        Assert.DoesNotContain("PRIVATE", Encoding.UTF8.GetString(CertificateData.Build(set)[CertificateData.Bundle]), StringComparison.Ordinal);
    }

    private static bool IsTrusted(Certificate served, string bundle, DateTimeOffset now)
    {
        using var certificate = X509Certificate2.CreateFromPem(served.CertificatePem);
        var authorities = new X509Certificate2Collection();
        authorities.ImportFromPem(bundle);
        using var chain = new X509Chain
        {
            ChainPolicy =
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                VerificationTime = now.UtcDateTime,
                VerificationTimeIgnored = false,
            },
        };
        chain.ChainPolicy.CustomTrustStore.AddRange(authorities);
        return chain.Build(certificate);
    }
}
