using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Troupe.Launcher.Migration;

/// <summary>
/// The certificate by which this launcher proves itself to another one. Its key is made here and never leaves the process; the control
/// plane carries only the certificates, from each launcher to the one that is to trust it, so there is no authority to be kept or robbed.
/// </summary>
internal sealed class LauncherIdentity : IDisposable
{
    /// <summary>A launcher may be migrated after a year of running; what limits a certificate is that it is trusted for one attempt only.</summary>
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(3650);
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(10);
    private readonly X509Certificate2 _certificate;

    public LauncherIdentity(string vmiUid, TimeProvider time)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=virt-launcher,OU={vmiUid}", key, HashAlgorithmName.SHA256);
        var now = time.GetUtcNow();
        _certificate = request.CreateSelfSigned(now - ClockSkew, now + Lifetime);
        Certificate = Convert.ToBase64String(_certificate.RawData);
    }

    /// <summary>DER, base64.</summary>
    public string Certificate { get; }

    public SslServerAuthenticationOptions Server(string peerCertificate) => new()
    {
        ServerCertificate = _certificate,
        ClientCertificateRequired = true,
        RemoteCertificateValidationCallback = (_, certificate, _, _) => Trusts(certificate, peerCertificate),
    };

    public SslClientAuthenticationOptions Client(string peerCertificate) => new()
    {
        TargetHost = "virt-launcher",
        ClientCertificates = [_certificate],
        LocalCertificateSelectionCallback = (_, _, _, _, _) => _certificate,
        RemoteCertificateValidationCallback = (_, certificate, _, _) => Trusts(certificate, peerCertificate),
    };

    public void Dispose() => _certificate.Dispose();

    /// <summary>Nothing but the very certificate that the control plane named, and not after its end.</summary>
    private static bool Trusts(X509Certificate? certificate, string expected) =>
        certificate is X509Certificate2 given && given.NotAfter.ToUniversalTime() > DateTime.UtcNow
        && CryptographicOperations.FixedTimeEquals(given.RawData, Convert.FromBase64String(expected));
}
