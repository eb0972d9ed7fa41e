using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Troupe.ControlPlane.Admission.Certificates;

/// <summary>The serving certificate and the authorities around it, as the replicas share them in a Secret.</summary>
/// <param name="Authority">Signs serving certificates.</param>
/// <param name="Next">Already trusted by everybody who asks, and soon to sign; null between rotations.</param>
/// <param name="Previous">Signs nothing any more, but a replica may still serve what it signed; PEM without a key.</param>
/// <param name="Names">Host names and addresses that the certificate is good for.</param>
public sealed record CertificateSet(KeyPair Authority, KeyPair? Next, string? Previous, KeyPair Serving, IReadOnlyList<string> Names)
{
    /// <summary>What clients must trust for the time being.</summary>
    public string Bundle => string.Join('\n', new[] { Authority.Certificate, Next?.Certificate, Previous }.OfType<string>().Select(c => c.Trim())) + "\n";
}

/// <summary>A certificate and its private key, both PEM.</summary>
public sealed record KeyPair(string Certificate, string Key)
{
    public DateTimeOffset From => Read(c => c.NotBefore);
    public DateTimeOffset Until => Read(c => c.NotAfter);

    public X509Certificate2 ToX509()
    {
        using var certificate = X509Certificate2.CreateFromPem(Certificate, Key);
        // A key that lives in the PEM object alone can't be used by the TLS stack.
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }

    private DateTimeOffset Read(Func<X509Certificate2, DateTime> time)
    {
        using var certificate = X509Certificate2.CreateFromPem(Certificate);
        return time(certificate).ToUniversalTime();
    }
}

/// <summary>Makes authorities and serving certificates.</summary>
public static class CertificateFactory
{
    /// <summary>Clocks of the cluster's machines may differ by this much.</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(5);
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";
    private const int SerialLength = 12;

    public static KeyPair Authority(DateTimeOffset now, TimeSpan lifetime)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN=kubevirt.io@{now.ToUnixTimeSeconds()}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        using var certificate = request.CreateSelfSigned(now - ClockSkew, now + lifetime);
        return new KeyPair(certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }

    public static KeyPair Serving(KeyPair authority, IReadOnlyList<string> names, DateTimeOffset now, TimeSpan lifetime)
    {
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
        {
            if (System.Net.IPAddress.TryParse(name, out var address))
                alternatives.AddIpAddress(address);
            else
                alternatives.AddDnsName(name);
        }

        return Signed(authority, names[0], ServerAuthentication, now, lifetime, alternatives.Build());
    }

    public static KeyPair Client(KeyPair authority, string commonName, DateTimeOffset now, TimeSpan lifetime) => Signed(authority, commonName, ClientAuthentication, now, lifetime);

    private static KeyPair Signed(KeyPair authority, string commonName, string usage, DateTimeOffset now, TimeSpan lifetime, params X509Extension[] extensions)
    {
        using var issuer = X509Certificate2.CreateFromPem(authority.Certificate, authority.Key);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={commonName}", key, HashAlgorithmName.SHA256);
        foreach (var extension in extensions)
            request.CertificateExtensions.Add(extension);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        var until = now + lifetime < issuer.NotAfter.ToUniversalTime() ? now + lifetime : issuer.NotAfter.ToUniversalTime();
        using var certificate = request.Create(issuer, now - ClockSkew > issuer.NotBefore.ToUniversalTime() ? now - ClockSkew : issuer.NotBefore.ToUniversalTime(), until,
            RandomNumberGenerator.GetBytes(SerialLength));
        return new KeyPair(certificate.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }
}
