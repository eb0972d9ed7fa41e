using System.Security.Cryptography.X509Certificates;
using System.Text;
using Troupe.ControlPlane.Admission.Certificates;
using Troupe.ControlPlane.Tests.Machines;
using Troupe.Messages.Api.Core;
using Xunit;

namespace Troupe.ControlPlane.Tests.Admission;

public class CertificateTests
{
    private static readonly string[] Names = ["virt-api.kubevirt.svc", "127.0.0.1"];
    private static readonly DateTimeOffset Start = new(2026, 11, 25, 12, 0, 0, TimeSpan.Zero);
    private static readonly RotationPolicy Policy = RotationPolicy.Default;

    [Fact]
    public void Whatever_time_passes_clients_of_the_last_bundles_trust_the_certificate()
    {
        CertificateSet? set = null;
        var bundles = new Queue<string>();
        // A month, looked at every five minutes; clients may be one bundle behind.
        for (var now = Start; now < Start + TimeSpan.FromDays(30); now += TimeSpan.FromMinutes(5))
        {
            for (var step = Rotation.Decide(set, Names, now, Policy); step is not RotationStep.None; step = Rotation.Decide(set, Names, now, Policy))
                set = Rotation.Perform(step, set, Names, now, Policy);
            bundles.Enqueue(set!.Bundle);
            if (bundles.Count > 2)
                bundles.Dequeue();
            Assert.True(set.Serving.Until > now);
            Assert.All(bundles, bundle => Assert.True(Trusts(bundle, set.Serving, now)));
        }
    }

    [Fact]
    public void An_authority_is_announced_before_it_signs()
    {
        var set = Rotation.Perform(RotationStep.Create, null, Names, Start, Policy);
        var late = Start + Policy.AuthorityLifetime - Policy.AuthorityRenewBefore;

        Assert.Equal(RotationStep.AnnounceAuthority, Rotation.Decide(set, Names, late, Policy));
        var announced = Rotation.Perform(RotationStep.AnnounceAuthority, set, Names, late, Policy);
        Assert.Equal(set.Serving, announced.Serving);
        Assert.NotEqual(RotationStep.SwitchAuthority, Rotation.Decide(announced, Names, late + Policy.Overlap - TimeSpan.FromMinutes(1), Policy));
        Assert.Equal(RotationStep.SwitchAuthority, Rotation.Decide(announced, Names, late + Policy.Overlap + TimeSpan.FromMinutes(1), Policy));
    }

    [Fact]
    public void A_replica_with_another_name_adds_it_and_keeps_the_others()
    {
        var set = Rotation.Perform(RotationStep.Create, null, Names, Start, Policy);

        Assert.Equal(RotationStep.RenewServing, Rotation.Decide(set, ["other"], Start, Policy));
        Assert.Equal([.. Names.Append("other").Order()], Rotation.Perform(RotationStep.RenewServing, set, ["other"], Start, Policy).Names.Order());
    }

    [Fact]
    public void A_lost_authority_is_made_anew()
    {
        var set = Rotation.Perform(RotationStep.Create, null, Names, Start, Policy);

        Assert.Equal(RotationStep.Create, Rotation.Decide(set, Names, Start + TimeSpan.FromDays(40), Policy));
    }

    [Fact]
    public async Task Agents_have_a_certificate_to_show_to_guests_and_guests_are_told_who_signed_it()
    {
        var (api, clock) = (new RecordingApi(), new Clock { Now = Start });
        var vsock = new VsockClientCertificate(api, "kubevirt", Policy, clock);
        var set = Rotation.Perform(RotationStep.Create, null, Names, Start, Policy);
        await vsock.KeepAsync(set, TestContext.Current.CancellationToken);
        var pair = Shown(api);
        using (var certificate = X509Certificate2.CreateFromPem(pair.Certificate))
            Assert.Equal("CN=kubevirt.io:system:client:vsock", certificate.Subject);
        Assert.True(Trusts(api.Find<ConfigMap>("kubevirt-ca")!.Data!["ca-bundle"], pair, Start));

        // Nothing to do, nothing written.
        var writes = api.Writes.Count;
        await vsock.KeepAsync(set, TestContext.Current.CancellationToken);
        Assert.Equal(writes, api.Writes.Count);

        // A certificate that ends soon, then another authority.
        clock.Now = Start + Policy.ServingLifetime - Policy.ServingRenewBefore;
        await vsock.KeepAsync(set, TestContext.Current.CancellationToken);
        var renewed = Shown(api);
        Assert.True(renewed.Until > pair.Until);
        var late = Start + Policy.AuthorityLifetime - Policy.AuthorityRenewBefore;
        var switched = Rotation.Perform(RotationStep.SwitchAuthority, Rotation.Perform(RotationStep.AnnounceAuthority, set, Names, late, Policy), Names, late, Policy);
        Assert.True(VsockClientCertificate.IsDue(renewed, switched.Authority, clock.Now, Policy));
    }

    private static KeyPair Shown(RecordingApi api)
    {
        var data = api.Find<Secret>("kubevirt-virt-handler-vsock-client-certs")!.Data!;
        return new KeyPair(Encoding.UTF8.GetString(data["tls.crt"]), Encoding.UTF8.GetString(data["tls.key"]));
    }

    private sealed class Clock : TimeProvider
    {
        public DateTimeOffset Now { get; set; }

        public override DateTimeOffset GetUtcNow() => Now;
    }

    private static bool Trusts(string bundle, KeyPair serving, DateTimeOffset now)
    {
        using var chain = new X509Chain();
        var roots = new X509Certificate2Collection();
        roots.ImportFromPem(bundle);
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(roots);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.VerificationTime = now.UtcDateTime;
        using var certificate = X509Certificate2.CreateFromPem(serving.Certificate);
        return chain.Build(certificate);
    }
}
