using System.Security.Cryptography.X509Certificates;
using UrlShortener.Operator.Certificates;
using Xunit;

namespace UrlShortener.Operator.Tests.Certificates;

public sealed class CertificatePlanTests
{
    private static readonly CertificateProfile Profile = new("test authority", ["webhook.system.svc", "127.0.0.1"]);
    private static readonly DateTimeOffset Start = new(2030, 1, 31, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Next_Nothing_CreatesAll()
    {
        Assert.Equal(CertificateStep.Created, CertificatePlan.Next(null, Profile, isPublished: false, Start));
        var set = CertificatePlan.Take(CertificateStep.Created, null, Profile, Start);
        Assert.Equal(Start + CertificateIssuer.AuthorityLife, set.Authority.NotAfter);
        Assert.Equal(Start + CertificateIssuer.ServingLife, set.Serving.NotAfter);
        Assert.Equal(Profile.Names.Order(StringComparer.Ordinal), set.Serving.Names.Order(StringComparer.Ordinal));
        Assert.Equal(CertificateStep.None, CertificatePlan.Next(set, Profile, isPublished: false, Start));
    }

    // The API server follows with a delay; what replicas serve must be trusted by what it was told last.
    [Fact]
    public void Steps_OverThreeYears_ServeWhatIsTrustedAtEveryMoment()
    {
        CertificateSet? set = null;
        var trusted = "";
        var steps = new Dictionary<CertificateStep, int>();
        for (var now = Start; now < Start.AddYears(3); now += TimeSpan.FromHours(4))
        {
            while (CertificatePlan.Next(set, Profile, set?.Bundle == trusted, now) is var step and not CertificateStep.None)
            {
                steps[step] = steps.GetValueOrDefault(step) + 1;
                set = CertificatePlan.Take(step, set, Profile, now);
                if (step == CertificateStep.Created)
                    trusted = set.Bundle;
            }

            // Each day is enough for the costly check; steps happen in between.
            if (now.Hour == 0 || set!.Bundle != trusted)
                AssertTrusted(set!.Serving, trusted, now);
            trusted = set.Bundle;
            Assert.True(set.Serving.NotAfter - now > TimeSpan.FromDays(29), $"{set.Serving} at {now:O}");
            Assert.True(set.Authority.NotAfter - now > TimeSpan.FromDays(120), $"{set.Authority} at {now:O}");
        }

        Assert.Equal(1, steps[CertificateStep.Created]);
        Assert.Equal(4, steps[CertificateStep.AuthorityAnnounced]);
        Assert.Equal(4, steps[CertificateStep.AuthorityReplaced]);
        Assert.InRange(steps[CertificateStep.AuthorityForgotten], 2, 4);
    }

    [Fact]
    public void Next_AuthorityAnnouncedButNotPublished_Waits()
    {
        var set = CertificatePlan.Take(CertificateStep.Created, null, Profile, Start);
        var aged = Start + (CertificateIssuer.AuthorityLife * 0.7);
        set = CertificatePlan.Take(CertificateStep.ServingRenewed, set, Profile, aged);
        Assert.Equal(CertificateStep.AuthorityAnnounced, CertificatePlan.Next(set, Profile, isPublished: true, aged));
        set = CertificatePlan.Take(CertificateStep.AuthorityAnnounced, set, Profile, aged);
        Assert.Equal(CertificateStep.None, CertificatePlan.Next(set, Profile, isPublished: true, aged));
        Assert.Equal(CertificateStep.None, CertificatePlan.Next(set, Profile, isPublished: false, aged.AddDays(10)));
        Assert.Equal(CertificateStep.AuthorityReplaced, CertificatePlan.Next(set, Profile, isPublished: true, aged + CertificatePlan.AnnouncementTime));

        var replaced = CertificatePlan.Take(CertificateStep.AuthorityReplaced, set, Profile, aged + CertificatePlan.AnnouncementTime);
        Assert.Equal(set.NextAuthority!.CertificatePem, replaced.Authority.CertificatePem);
        Assert.Null(replaced.FormerAuthority!.KeyPem);
        AssertTrusted(set.Serving, replaced.Bundle, aged.AddDays(1));
        AssertTrusted(replaced.Serving, set.Bundle, aged.AddDays(1));
    }

    [Fact]
    public void Next_OtherNames_RenewsServing()
    {
        var set = CertificatePlan.Take(CertificateStep.Created, null, Profile, Start);
        Assert.Equal(CertificateStep.ServingRenewed, CertificatePlan.Next(set, Profile with { Names = ["webhook.other.svc"] }, isPublished: true, Start));
    }

    [Fact]
    public void Next_ServingOfAnotherAuthority_RenewsServing()
    {
        var set = CertificatePlan.Take(CertificateStep.Created, null, Profile, Start);
        var other = CertificatePlan.Take(CertificateStep.Created, null, Profile, Start);
        Assert.Equal(CertificateStep.ServingRenewed, CertificatePlan.Next(set with { Serving = other.Serving }, Profile, isPublished: true, Start));
    }

    [Fact]
    public void Next_AfterAYearOff_CreatesAll()
    {
        var set = CertificatePlan.Take(CertificateStep.Created, null, Profile, Start);
        Assert.Equal(CertificateStep.Created, CertificatePlan.Next(set, Profile, isPublished: true, Start.AddDays(366)));
    }

    [Theory]
    [InlineData("", "")]
    [InlineData("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "")]
    public void TryRead_Garbage_IsNull(string certificate, string key) => Assert.Null(Certificate.TryRead(certificate, key));

    [Fact]
    public void TryRead_KeyOfAnother_IsNull()
    {
        var one = CertificateIssuer.CreateAuthority("test authority", Start);
        var other = CertificateIssuer.CreateAuthority("test authority", Start);
        Assert.Null(Certificate.TryRead(one.CertificatePem, other.KeyPem));
    }

    [Fact]
    public void ToString_OfACertificateSet_HoldsNoKey() =>
        Assert.DoesNotContain("PRIVATE", CertificatePlan.Take(CertificateStep.Created, null, Profile, Start).ToString(), StringComparison.Ordinal);

    private static void AssertTrusted(Certificate serving, string bundle, DateTimeOffset now)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        chain.ChainPolicy.CustomTrustStore.ImportFromPem(bundle);
        using var certificate = serving.Open();
        Assert.True(
            chain.Build(certificate),
            $"{serving} is not trusted at {now:O}: {string.Join(", ", chain.ChainStatus.Select(status => status.StatusInformation))}"
        );
    }
}
