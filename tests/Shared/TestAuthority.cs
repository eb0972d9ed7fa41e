using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Troupe.Tests.Shared;

/// <summary>Signs certificates into a folder, as an administrator would.</summary>
public sealed class TestAuthority : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("trp-tls-").FullName;
    private readonly X509Certificate2 _certificate;

    public TestAuthority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=test authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        _certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
        File.WriteAllText(Authority, _certificate.ExportCertificatePem());
    }

    public string Authority => Path.Combine(_folder, "ca.crt");

    /// <param name="notAfter">One in the past makes an expired certificate.</param>
    public (string Certificate, string Key) Sign(string name, DateTimeOffset? notAfter = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        using var signed = request.Create(_certificate, DateTimeOffset.UtcNow.AddMinutes(-50), notAfter ?? DateTimeOffset.UtcNow.AddMinutes(50), RandomNumberGenerator.GetBytes(8));
        var files = (Certificate: Path.Combine(_folder, name + ".crt"), Key: Path.Combine(_folder, name + ".key"));
        File.WriteAllText(files.Certificate, signed.ExportCertificatePem());
        File.WriteAllText(files.Key, key.ExportPkcs8PrivateKeyPem());
        return files;
    }

    public void Dispose()
    {
        _certificate.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
