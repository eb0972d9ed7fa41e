using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Troupe.DevCluster.Security;

/// <summary>A certificate authority kept as two PEM files; made on first use, the same for the life of the state directory.</summary>
internal sealed class CertificateAuthority
{
    private static readonly TimeSpan Life = TimeSpan.FromDays(3650);

    private readonly X509Certificate2 _certificate;

    public CertificateAuthority(string directory, string name, string commonName)
    {
        var (cert, key) = (Path.Combine(directory, name + ".crt"), Path.Combine(directory, name + ".key"));
        if (!File.Exists(cert) || !File.Exists(key))
        {
            using var pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            var request = new CertificateRequest($"CN={commonName}", pair, HashAlgorithmName.SHA256);
            request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
            request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign | X509KeyUsageFlags.DigitalSignature, true));
            request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
            using var made = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow + Life);
            PrivateFile.Write(key, pair.ExportPkcs8PrivateKeyPem());
            File.WriteAllText(cert, made.ExportCertificatePem());
        }
        _certificate = X509Certificate2.CreateFromPemFile(cert, key);
    }

    public string Pem => _certificate.ExportCertificatePem();

    public X509Certificate2 Certificate => _certificate;

    /// <summary>A certificate of this authority from the directory, or a fresh one when there is none or it is of another authority.</summary>
    public X509Certificate2 Leaf(string directory, string name, X500DistinguishedName subject, bool server, IReadOnlyList<string> hosts)
    {
        var (cert, key) = (Path.Combine(directory, name + ".crt"), Path.Combine(directory, name + ".key"));
        if (File.Exists(cert) && File.Exists(key))
        {
            var old = X509Certificate2.CreateFromPemFile(cert, key);
            if (Covers(old, hosts))
                return old;
            old.Dispose();
        }
        using var pair = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, pair, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(server ? "1.3.6.1.5.5.7.3.1" : "1.3.6.1.5.5.7.3.2")], false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(_certificate, true, false));
        if (hosts.Count > 0)
        {
            var names = new SubjectAlternativeNameBuilder();
            foreach (var host in hosts)
            {
                if (IPAddress.TryParse(host, out var ip))
                    names.AddIpAddress(ip);
                else
                    names.AddDnsName(host);
            }
            request.CertificateExtensions.Add(names.Build());
        }
        var serial = RandomNumberGenerator.GetBytes(16);
        serial[0] &= 0x7f;
        using var made = request.Create(_certificate, DateTimeOffset.UtcNow.AddHours(-1), _certificate.NotAfter.AddDays(-1), serial);
        PrivateFile.Write(key, pair.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(cert, made.ExportCertificatePem());
        return X509Certificate2.CreateFromPemFile(cert, key);
    }

    public bool Issued(X509Certificate2 certificate)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(_certificate);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid("1.3.6.1.5.5.7.3.2"));
        return chain.Build(certificate);
    }

    private bool Covers(X509Certificate2 certificate, IReadOnlyList<string> hosts)
    {
        var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
        var known = names is null ? [] : names.EnumerateDnsNames().Concat(names.EnumerateIPAddresses().Select(a => a.ToString())).ToHashSet();
        return certificate.Issuer == _certificate.Subject && certificate.NotAfter > DateTime.Now.AddDays(1) && hosts.All(known.Contains);
    }

    /// <summary>CN is the user, each O one of his groups, as Kubernetes reads client certificates.</summary>
    public static X500DistinguishedName Subject(string user, params string[] groups)
    {
        var builder = new X500DistinguishedNameBuilder();
        foreach (var group in groups)
            builder.AddOrganizationName(group);
        builder.AddCommonName(user);
        return builder.Build();
    }
}

internal static class PrivateFile
{
    /// <summary>Created with mode 0600 from the start, so that a key is never readable by others, not even for a moment.</summary>
    public static void Write(string path, string text)
    {
        File.Delete(path);
        using var stream = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        stream.Write(System.Text.Encoding.UTF8.GetBytes(text));
    }
}
